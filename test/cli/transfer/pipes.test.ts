/** `send -` and `receive -`: from a pipe into a pipe. */
import { once } from 'node:events';
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

/** What of ours is in TMPDIR. */
const left = (): string[] => readdirSync(folder).filter((name) => name.startsWith('pool-ts-'));

it('carry what one program prints to what another reads, and leave nothing on disk', async () => {
  const env = { TMPDIR: folder };
  const receiver = startCli(['receive', '-', '--listen', '127.0.0.1:0'], env);
  const sent = await runCli(['send', '-', await addressOf(receiver)], contents, env);
  expect(sent).toMatchObject({ code: 0, stderr: '' });
  expect(await receiver.ended).toBe(0);
  expect(receiver.received).toEqual({ bytes: contents.length, digest: digestOf(contents) });
  expect(left()).toEqual([]);
}, 180_000);

it('a sender that is killed in the middle of its pipe leaves nothing on disk', async () => {
  const receiver = startCli(['receive', folder, '--listen', '127.0.0.1:0']);
  const sender = startCli(['send', '-', await addressOf(receiver)], { TMPDIR: folder });
  // More than a pipe and the stream behind it hold: some of it has been kept when all of it is taken.
  await new Promise((resolve) => sender.child.stdin.write(contents, resolve));
  sender.child.kill('SIGKILL');
  expect(await sender.ended).toBe('SIGKILL');
  expect(left()).toEqual([]);
}, 180_000);

it('a receiver whose output nobody takes ends at ^C, and leaves nothing on disk', async () => {
  const env = { TMPDIR: folder };
  const receiver = startCli(['receive', '-', '--listen', '127.0.0.1:0'], env);
  receiver.child.stdout.pause();
  expect(await runCli(['send', '-', await addressOf(receiver)], contents)).toMatchObject({ code: 0 });
  const exited = once(receiver.child, 'exit');
  const told = performance.now();
  receiver.child.kill('SIGINT');
  expect(await exited).toEqual([130, null]);
  // After 6 s a command ends that does not listen.
  expect(performance.now() - told).toBeLessThan(6000);
  expect(left()).toEqual([]);
  receiver.child.stdout.resume();
}, 180_000);

it('a receiver that is told twice to stop leaves nothing on disk', async () => {
  const receiver = startCli(['receive', '-', '--listen', '127.0.0.1:0'], { TMPDIR: folder });
  const sender = startCli(['send', '-', await addressOf(receiver)]);
  await new Promise((resolve) => sender.child.stdin.write(contents, resolve));
  expect(left()).toHaveLength(1);
  // It says that it gives up, and waits for a sender that does not hear it.
  sender.child.kill('SIGSTOP');
  const again = setInterval(() => receiver.child.kill('SIGINT'), 100);
  const code = await receiver.ended;
  clearInterval(again);
  expect(code).toBe(130);
  expect(left()).toEqual([]);
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
