/**
 * Terminals that hang up, as with a window that is closed or a line that breaks. Node's own end of a process gives the
 * terminal its old modes back, and aborts where that can't be done: SIGABRT, 134 for the shell, and a core file.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listen, type Listener } from '../../src/index.js';
import { pty } from '../device/pty.js';
import { MAIN, TSX } from './cli-program.js';
import { hangUp, type HangUp } from './hang-up.js';

const BY_SIGHUP = { code: null, signal: 'SIGHUP' };
const CLI = `'${process.execPath}' --import '${TSX}' '${MAIN}'`;

describe.skipIf(pty().missing)('a command whose terminal hangs up ends by SIGHUP', () => {
  let folder: string;
  let listener: Listener;
  let peer: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pool-hang-up-'));
    listener = await listen('127.0.0.1:0', { backend: 'user' });
    void listener.serve(async (conn) => void (await conn.closed));
    peer = listener.addr.toString();
  });
  afterAll(async () => {
    await listener.close({ connections: 'destroy' });
    rmSync(folder, { recursive: true, force: true });
  });

  const run = (args: string, options: HangUp) =>
    hangUp(`${CLI} ${args}`, { ...options, env: { POOL_BACKEND: 'user', POOL_REPL_HISTORY: '' } });

  const telemetry = () => ({ args: `telemetry ${peer}`, shown: /every 1 s/ });
  const repl = () => ({ args: 'repl', shown: /pool> / });
  const connect = () => ({ args: `connect -v ${peer}`, shown: /connected to/ });
  const ping = () => ({ args: `ping -i 0.1 ${peer}`, shown: /seq|ms/ });

  it.each([
    ['telemetry', telemetry],
    ['repl', repl],
    ['connect', connect],
    ['listen', () => ({ args: 'listen -v 127.0.0.1:0', shown: /listening/ })],
    ['receive', () => ({ args: `receive '${folder}' --listen 127.0.0.1:0`, shown: /127\.0\.0\.1:\d+/ })],
    ['bridge', () => ({ args: `bridge tcp2pool 127.0.0.1:0 ${peer}`, shown: /listening/ })],
  ])('%s, where the signal comes', async (_, what) => {
    const { args, shown } = what();
    const { end, errors } = await run(args, { shown, signal: true });
    expect(end, errors).toEqual(BY_SIGHUP);
    expect(errors).not.toMatch(/fault|EIO|Assertion/);
  });

  it.each([
    ['telemetry', telemetry],
    ['repl', repl],
    ['connect', connect],
    ['ping', ping],
  ])('%s, where it finds out by itself', async (_, what) => {
    const { args, shown } = what();
    const { end, errors } = await run(args, { shown, signal: false });
    expect(end, errors).toEqual(BY_SIGHUP);
    expect(errors).not.toMatch(/fault|EIO|Assertion/);
  });

  it('bridge, whose lines change there', async () => {
    const args = `bridge tcp2pool --interval 0.1 127.0.0.1:0 ${peer}`;
    const { end } = await run(args, { shown: /0 open/, signal: true, errors: 'terminal' });
    expect(end).toEqual(BY_SIGHUP);
  });

  it('bridge, which a server without a terminal outlives until it is told to end', async () => {
    const args = `bridge tcp2pool 127.0.0.1:0 ${peer}`;
    const { end, errors } = await run(args, {
      ...{ shown: /listening/, signal: false },
      then: (pid) => void process.kill(pid, 'SIGTERM'),
    });
    expect(end, errors).toEqual(BY_SIGHUP);
  });
});
