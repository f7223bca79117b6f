import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { listen } from '../../../src/index.js';
import { CLI, serveDevice } from '../../device/served.js';
import { killAll, run, start } from '../../programs/run.js';
import { fuse, program } from '../../require.js';
import { runCli } from '../cli-program.js';

let folder = '';
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'pool-ts-repl-'))));
afterEach(killAll);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const piped = (lines: string[], args: string[] = []) =>
  run([CLI, 'repl', ...args], { stdin: lines.map((line) => `${line}\n`).join('') });

describe('what is piped into the REPL', () => {
  it('runs a line after the other, await included, and prints the results', async () => {
    const { code, stdout, stderr } = await piped([
      "const l = await listen('127.0.0.1:0')",
      'const [c, d] = await Promise.all([dial(l.addr), l.accept()])',
      "await c.write('hi')",
      'Buffer.from(await d.readMessage()).toString()',
      'function twice(x) {',
      '  return 2 * x }',
      'twice(21)',
      '.opened',
    ]);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^undefined\nundefined\n2\n'hi'\nundefined\n42\nListener \{.*\}\nConn \{.*\}\n$/);
    expect(code).toBe(0);
  });

  it('goes on after a line that fails, says it in one line, and exits with 1', async () => {
    const { code, stdout, stderr } = await piped(["await dial('127.0.0.1:1')", "throw new Error('mine')", '6 * 7']);
    expect(stdout).toMatch(/^Uncaught PoolError \[ECONNREFUSED\]: .*\nUncaught Error: mine\n42\n$/);
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'pool-ts repl: 2 statements failed\n' });
  });

  it('exits with 1 where the last statement has no end, unless .break takes it back', async () => {
    const typed = (...lines: string[]) => runCli(['repl'], lines.map((line) => `${line}\n`).join(''));
    expect(await typed('6 * 7', 'Math.max(1', '// and no more')).toMatchObject({
      code: 1,
      stdout: '42\n',
      stderr: 'pool-ts repl: the last statement is not finished, and was not run\n',
    });
    expect(await typed('Math.max(1', '.exit')).toMatchObject({ code: 1, stdout: '' });
    expect(await typed('Math.max(1', '.break', '6 * 7')).toMatchObject({ code: 0, stdout: '42\n', stderr: '' });
  });

  it('closes what was opened in good order, at the end of input and at .exit', async () => {
    for (const end of [[], ['.exit', 'never()']]) {
      const listener = await listen('127.0.0.1:0', { backend: 'user' });
      const accepted = listener.accept();
      const ran = piped([`const c = await dial('${listener.addr.toString()}')`, ...end]);
      expect((await (await accepted).closed).by).toBe('remote');
      expect(await ran).toMatchObject({ code: 0, stderr: '' });
      await listener.close();
    }
  });

  it('closes it on SIGTERM as well, in the middle of an await', async () => {
    const listener = await listen('127.0.0.1:0', { backend: 'user' });
    const repl = start([CLI, 'repl']);
    repl.child.stdin.write(`const c = await dial('${listener.addr.toString()}')\nawait c.readMessage()\n`);
    const conn = await listener.accept();
    await repl.printed(/undefined/);
    repl.child.kill('SIGTERM');
    expect((await conn.closed).by).toBe('remote');
    expect(await repl.ended).toBe(143);
    await listener.close();
  });

  it('has defaults for dial and listen', async () => {
    const { stdout } = await piped(["await dial('127.0.0.1:1')"], ['--backend', 'kernel', '--device', '/nowhere/pool']);
    expect(stdout).toMatch(/^Uncaught:\nPoolError \[ENOENT\]: .*\/nowhere\/pool/);
  });

  it.skipIf(fuse().missing)('goes through a device', async () => {
    await using device = await serveDevice();
    const listener = await listen('127.0.0.1:0', { backend: 'user' });
    const accepted = listener.accept();
    const ran = piped(
      [`const c = await dial('${listener.addr.toString()}')`, "await c.write('hi')", 'c.backend'],
      ['--device', device.path, '--backend', 'kernel'],
    );
    const conn = await accepted;
    expect(Buffer.from((await conn.readMessage()) ?? []).toString()).toBe('hi');
    expect((await conn.closed).by).toBe('remote');
    expect(await ran).toMatchObject({ code: 0, stdout: "undefined\n2\n'kernel'\n" });
    await listener.close();
  });
});

/** util-linux's script runs a command on a terminal of its own. */
describe.skipIf(program('pty', 'script').missing)('the REPL on a terminal', () => {
  it('completes, keeps its history for this user alone, and closes at ^D', async () => {
    const history = join(folder, 'state', 'pool-ts', 'repl_history');
    const listener = await listen('127.0.0.1:0', { backend: 'user' });
    const terminal = onTerminal({ XDG_STATE_HOME: join(folder, 'state') });
    await terminal.shows(/\^D closes[^]*pool> /);
    terminal.types(`const c = await pool.dial('${listener.addr.toString()}')\r`);
    const conn = await listener.accept();
    await terminal.shows(/undefined[^]*pool> /);
    terminal.types('pool.MAX_PORT\t');
    await terminal.shows(/pool\.MAX_PORTABLE_MESSAGE/);
    terminal.types('\r');
    await terminal.shows(/65511/);
    // Printed a turn later: while the statement itself runs, the terminal is not raw, and ^C is a signal.
    terminal.types("setImmediate(() => console.log('wait' + 'ing')), await c.readMessage()\r");
    await terminal.shows(/waiting/);
    terminal.types('\x03');
    await terminal.shows(/interrupted/);
    terminal.types('c\r');
    await terminal.shows(/Conn \{[^\n]*open \}/);
    terminal.types('\x04');
    expect((await conn.closed).by).toBe('remote');
    expect(await terminal.ended).toBe(0);
    await listener.close();
    expect(statSync(history).mode & 0o777).toBe(0o600);
    expect(readFileSync(history, 'utf8')).toContain('pool.MAX_PORTABLE_MESSAGE');
  });

  it('keeps no history where none is wanted', async () => {
    const home = mkdtempSync(join(folder, 'home-'));
    const terminal = onTerminal({ POOL_REPL_HISTORY: '', XDG_STATE_HOME: home });
    await terminal.shows(/pool> /);
    terminal.types('1 + 1\r.exit\r');
    expect(await terminal.ended).toBe(0);
    expect(() => statSync(join(home, 'pool-ts'))).toThrow('ENOENT');
  });
});

function onTerminal(env: NodeJS.ProcessEnv) {
  const command = `'${process.execPath}' '${CLI}' repl --backend user`;
  const child: ChildProcessWithoutNullStreams = spawn('script', ['-qec', command, '/dev/null'], {
    env: { ...process.env, NO_COLOR: '1', TERM: 'xterm', ...env },
  });
  const ended = once(child, 'close').then(([code]) => code as number);
  let text = '';
  let changed = (): void => undefined;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    changed();
  });
  return {
    ended,
    types: (keys: string) => void child.stdin.write(keys),
    /** Waits for it in what was shown since the last match. */
    async shows(pattern: RegExp): Promise<void> {
      for (;;) {
        const match = pattern.exec(text);
        if (match !== null) {
          text = text.slice(match.index + match[0].length);
          return;
        }
        await Promise.race([
          new Promise<void>((resolve) => (changed = resolve)),
          ended.then((code) => Promise.reject(new Error(`ended with ${code}, showing ${JSON.stringify(text)}`))),
        ]);
      }
    },
  };
}
