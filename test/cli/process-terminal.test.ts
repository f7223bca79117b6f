import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const program = fileURLToPath(new URL('./programs/waiting.ts', import.meta.url));

function start(mode: string) {
  const child = spawn(process.execPath, ['--import', 'tsx', program, mode], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.setEncoding('utf8');
  return child;
}

describe('the process as a terminal', () => {
  it.each([
    ['SIGINT', 'polite', 130],
    ['SIGTERM', 'polite', 143],
    ['SIGHUP', 'polite', 129],
    ['SIGTERM', 'server', 0],
  ] as const)('tells the command at %s, lets it finish, and ends (%s) with %i', async (signal, mode, code) => {
    const child = start(mode);
    const output = child.stdout[Symbol.asyncIterator]() as AsyncIterator<string>;
    expect((await output.next()).value).toBe('ready\n');
    child.kill(signal);
    expect((await output.next()).value).toBe('closed what was open\n');
    expect(await once(child, 'exit')).toEqual([code, null]);
  });

  it('does not keep someone waiting who presses ^C again', async () => {
    const child = start('stubborn');
    const output = child.stdout[Symbol.asyncIterator]() as AsyncIterator<string>;
    expect((await output.next()).value).toBe('ready\n');
    child.kill('SIGINT');
    expect((await output.next()).value).toBe('told to stop, and staying\n');
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([130, null]);
  });

  it('stops the command when nobody reads its output any more, and says nothing about it', async () => {
    const child = start('chatty');
    let err = '';
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    await once(child.stdout, 'data');
    child.stdout.destroy();
    expect(await once(child, 'exit')).toEqual([141, null]);
    expect(err).toBe('');
  });

  it('gives the screen back before it tells of a fault that nobody caught', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', program, 'faulty'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let all = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (all += chunk.toString()));
    expect(await once(child, 'close')).toEqual([70, null]);
    expect(all).toMatch(
      /drawn[^]*\x1b\[\?1049l[^]*pool-ts: this is a fault of pool-ts: TypeError: nobody expected this\n/,
    );
  });

  it.skipIf(!existsSync('/dev/full'))(
    'tells in one line that a disk is full, also of what is printed last',
    async () => {
      for (const mode of ['chatty', 'brief']) {
        const full = openSync('/dev/full', 'w');
        const child = spawn(process.execPath, ['--import', 'tsx', program, mode], { stdio: ['ignore', full, 'pipe'] });
        closeSync(full);
        let err = '';
        child.stderr!.on('data', (chunk: Buffer) => (err += chunk.toString()));
        expect(await once(child, 'close')).toEqual([74, null]);
        expect(err).toMatch(/^pool-ts: standard output: .*ENOSPC.*\n$/);
      }
    },
  );
});
