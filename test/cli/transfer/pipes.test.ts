/** `send -` and `receive -`: from a pipe into a pipe. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { randomBytes } from '../../random.js';
import { addressOf, digestOf, endCliPrograms, runCli, startCli } from '../cli-program.js';

const contents = randomBytes(3_000_000);
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pool-ts-pipes-'));
});
afterEach(async () => {
  await endCliPrograms();
  rmSync(folder, { recursive: true, force: true });
});

it('carry what one program prints to what another reads, and leave nothing on disk', async () => {
  const env = { TMPDIR: folder };
  const receiver = startCli(['receive', '-', '--listen', '127.0.0.1:0'], env);
  const sent = await runCli(['send', '-', await addressOf(receiver)], contents, env);
  expect(sent).toMatchObject({ code: 0, stderr: '' });
  expect(await receiver.ended).toBe(0);
  expect(receiver.received).toEqual({ bytes: contents.length, digest: digestOf(contents) });
  expect(readdirSync(folder).filter((name) => name.startsWith('pool-ts-'))).toEqual([]);
}, 180_000);

it('send gives standard input the name that it is told, and refuses one that is none', async () => {
  const receiver = startCli(['receive', folder, '--listen', '127.0.0.1:0']);
  const address = await addressOf(receiver);
  expect(await runCli(['send', '-', '--name', 'a name.bin', address], contents)).toMatchObject({ code: 0 });
  expect(readFileSync(join(folder, 'a name.bin')).equals(contents)).toBe(true);
  const refused = await runCli(['send', '-', '--name', '../x', address], '');
  expect(refused).toMatchObject({
    code: 66,
    stderr: expect.stringMatching(/names a file in another folder/) as string,
  });
  expect(existsSync(join(folder, '../x'))).toBe(false);
}, 180_000);

it('receive - takes no --json, which prints where the files go', async () => {
  expect(await runCli(['receive', '-', '--json'])).toMatchObject({ code: 64, stdout: '' });
}, 180_000);
