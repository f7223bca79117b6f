import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { run as runCommand } from '../../../src/cli/program.js';
import { dial, listen } from '../../../src/index.js';
import { CLI } from '../../device/served.js';
import { killAll, run, start } from '../../programs/run.js';
import { fuse } from '../../require.js';
import { testTerminal } from '../test-terminal.js';

let folder = '';
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'pool-ts-device-command-'))));
afterEach(killAll);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function refused(...args: string[]) {
  const terminal = testTerminal();
  const code = await runCommand(['device', ...args], terminal);
  expect(terminal.out()).toBe('');
  expect(terminal.err().trimEnd().split('\n')).toHaveLength(1);
  return { code, err: terminal.err() };
}

describe('arguments', () => {
  it.each([
    [['--mode', '999'], /--mode.*octal/],
    [['--mode', '1777'], /--mode.*octal/],
    [['--mode', 'rw'], /--mode.*octal/],
    [['--mode'], /--mode.*missing/],
    [['--host'], /--host.*missing/],
    [['--strict'], /unknown option.*--strict/],
    [['/tmp/a', '/tmp/b'], /too many arguments/],
  ])('%j are refused', async (args, says) => {
    const { code, err } = await refused(...args);
    expect(code).toBe(64);
    expect(err).toMatch(says);
  });

  it('are looked at before anything is mounted', async () => {
    const path = join(folder, 'unmounted');
    const { code, err } = await refused(path, '--host', 'localhost');
    expect(code).toBe(64);
    expect(err).toMatch(/numeric address/);
    expect(existsSync(path)).toBe(false);
  });
});

describe.skipIf(fuse().missing)('a served device', () => {
  it('prints its path when programs can use it, and is gone after SIGINT', async () => {
    const path = join(folder, 'pool');
    const served = start([CLI, 'device', path, '--host', '127.0.0.1', '--mode', '0640']);
    await served.printed(/^serving (.*)$/m);
    expect(served.output.stdout).toBe(`serving ${path}\n`);
    expect(statSync(path).mode & 0o777).toBe(0o640);

    const listener = await listen('127.0.0.1:0', { backend: 'user' });
    const [conn, peer] = await Promise.all([
      dial(listener.addr, { backend: 'kernel', device: path }),
      listener.accept(),
    ]);
    await conn.writeMessage('through the device');
    expect(Buffer.from((await peer.readMessage()) ?? []).toString()).toBe('through the device');
    await Promise.all([conn.close(), peer.close(), listener.close()]);

    served.child.kill('SIGINT');
    expect(await served.ended).toBe(0);
    expect(served.output.stderr).toMatch(/^pool-ts: mode 640 lets nobody in .*--allow-other.*\n$/);
    expect(existsSync(path)).toBe(false);
  });

  it('is not served twice, and a file that is in the way stays', async () => {
    const path = join(folder, 'twice');
    const served = start([CLI, 'device', path, '--host', '127.0.0.1']);
    await served.printed(/serving/);
    const second = await run([CLI, 'device', path]);
    expect(second).toMatchObject({ code: 1, stdout: '' });
    expect(second.stderr).toMatch(/^pool-ts device: .*served already.*\(EBUSY\)\n$/);
    served.child.kill('SIGTERM');
    expect(await served.ended).toBe(0);

    const inTheWay = await run([CLI, 'device', join(folder, '..')]);
    expect(inTheWay.stderr).toMatch(/^pool-ts device: .*\(E\w+\)\n$/);
  });

  it('needs a folder', async () => {
    const { code, stderr } = await run([CLI, 'device', join(folder, 'missing/pool')]);
    expect(code).toBe(73);
    expect(stderr).toMatch(/^pool-ts device: .*the folder .* can't be used.*\n$/);
  });
});
