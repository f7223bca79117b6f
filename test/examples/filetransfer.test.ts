import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dial } from '../../src/index.js';
import { killAll, run, start } from '../programs/run.js';
import { randomBytes } from '../random.js';

const EXAMPLE = 'examples/filetransfer.ts';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'pool-filetransfer-'))));
afterEach(async () => {
  await killAll();
  rmSync(folder, { recursive: true, force: true });
});

test.each([0, 1, 65_511, 10_000_000])('a file of %d bytes arrives whole', async (size) => {
  const [original, copy] = [join(folder, 'original'), join(folder, 'copy')];
  writeFileSync(original, randomBytes(size));
  const receiver = start([EXAMPLE, '--listen', '127.0.0.1:0', '--out', copy]);
  const [, address = ''] = await receiver.printed(/listening on (\S+)/);
  const sender = await run([EXAMPLE, '--connect', address, '--in', original]);
  expect(sender).toMatchObject({ code: 0, stderr: '' });
  expect(await receiver.ended).toBe(0);
  const line = new RegExp(`^sent (${size} bytes, sha256 [0-9a-f]{64})$`, 'm').exec(sender.stdout);
  expect(receiver.output.stdout).toContain(`received ${line?.[1]}`);
  expect(readFileSync(copy).equals(readFileSync(original))).toBe(true);
});

test('a sender that goes in the middle leaves nothing', async () => {
  const receiver = start([EXAMPLE, '--listen', '127.0.0.1:0', '--out', join(folder, 'copy')]);
  const [, address = ''] = await receiver.printed(/listening on (\S+)/);
  const conn = await dial(address, { backend: 'user' });
  await conn.writeMessage('{"size":10}');
  await conn.writeMessage('01234');
  await conn.readMessage();
  expect(existsSync(join(folder, 'copy.part'))).toBe(true);
  await conn.close();
  expect(await receiver.ended).toBe(1);
  expect(receiver.output.stderr).toBe('the sender closed after 5 of 10 bytes\n');
  expect(readdirSync(folder)).toEqual([]);
});

test.each([
  { args: [], says: /^usage: / },
  { args: ['--port', '9253'], says: /--port/ },
  { args: ['--connect', '127.0.0.1:1', '--in', '/nonexistent/file'], says: /ENOENT/ },
  { args: ['--listen', '127.0.0.1:0', '--out', tmpdir()], says: /is a folder: name the file/ },
  { args: ['--connect', '127.0.0.1:nine', '--in', EXAMPLE], says: /nine/ },
])('$args ends with 1 and one line', async ({ args, says }) => {
  const { code, stderr } = await run([EXAMPLE, ...args]);
  expect(code).toBe(1);
  expect(stderr).toMatch(says);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});
