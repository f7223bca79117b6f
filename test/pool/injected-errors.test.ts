/**
 * System calls that fail, injected by strace into a program that dials itself: whichever it is, and whenever, the program sees
 * an error with a code or nothing at all, and can go on. Left out are failures on which libuv ends the process itself:
 * those of epoll_ctl, and errors but EINTR of reads and writes, which may hit the eventfd by which it wakes its own loop.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { Outcome } from '../programs/injected.js';
import { killAll, start } from '../programs/run.js';
import { reached, timeout, tries } from '../reliability/figures.js';
import { program } from '../require.js';

const FAILURES: readonly (readonly [call: string, errors: readonly string[]])[] = [
  ['socket', ['EMFILE', 'ENOBUFS', 'EACCES']],
  ['bind', ['EADDRINUSE', 'EACCES', 'ENOBUFS']],
  ['listen', ['EADDRINUSE', 'ENOBUFS']],
  ['connect', ['ECONNREFUSED', 'ENOBUFS', 'EINTR', 'ENETUNREACH', 'EADDRNOTAVAIL']],
  ['accept4', ['EMFILE', 'ENFILE', 'ENOBUFS', 'ECONNABORTED', 'EINTR']],
  ['getsockname', ['ENOBUFS']],
  ['getpeername', ['ENOTCONN', 'ENOBUFS']],
  ['setsockopt', ['ENOBUFS', 'EINVAL']],
  ['writev', ['ECONNRESET', 'EPIPE', 'ENOBUFS', 'EINTR', 'EIO']],
  ['shutdown', ['ENOTCONN', 'ENOBUFS']],
  ['read', ['EINTR']],
  ['write', ['EINTR']],
  ['close', ['EINTR', 'EIO']],
];

interface Injection {
  readonly call: string;
  readonly error: string;
  /** Which of the calls fails, from 1. */
  readonly when: number;
}

/** Each error at the first call, then each at the second; of a call that was not made so often, no more; then all again. */
function* injections(wasMade: () => boolean): Generator<Injection> {
  for (;;) {
    let left = [...FAILURES];
    for (let when = 1; left.length > 0; when++) {
      const made = new Set<string>();
      for (const [call, errors] of left) {
        for (const error of errors) {
          yield { call, error, when };
          if (wasMade()) made.add(call);
        }
      }
      left = left.filter(([call]) => made.has(call));
    }
  }
}

/** A tracer of the program, which is stopped; ends when the program has stopped itself again, or is gone. */
async function traced(
  pid: number,
  { call, error, when }: { call: string; error: string; when: number },
): Promise<string> {
  const inject = `inject=${call}:error=${error}:when=${when}`;
  const tracer = spawn('strace', ['-p', String(pid), '-e', `trace=${call}`, '-e', inject], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(tracer, 'close');
  let trace = '';
  let continued = false;
  tracer.stderr.setEncoding('utf8').on('data', (text: string) => {
    trace += text;
    if (!continued && /attached[^]*--- stopped by SIGSTOP ---/.test(trace)) {
      continued = true;
      process.kill(pid, 'SIGCONT');
    } else if (/--- SIGSTOP \{[^]*--- stopped by SIGSTOP ---/.test(trace)) {
      tracer.kill('SIGINT');
    }
  });
  await ended;
  return trace;
}

/** Waits until it has stopped itself: nothing tells a parent of that but its state. */
async function stopped(pid: number): Promise<void> {
  for (;;) {
    if (/^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) return;
    await sleep(2);
  }
}

describe.skipIf(process.platform !== 'linux' || program('strace', 'strace').missing)('a system call that fails', () => {
  afterEach(killAll);

  it('is an error with a code, or unnoticed', { timeout: timeout('X1', 120_000) }, async () => {
    const count = tries('X1');
    const talker = start(['--v8-pool-size=0', 'test/programs/injected.ts']);
    const codes = new Set<string>();
    let injected = 0;
    let trace = '';
    for (const injection of injections(() => trace.includes('(INJECTED)'))) {
      const { child, output } = talker;
      output.stdout = '';
      child.stdin.write('go\n');
      await stopped(child.pid!);
      trace = await traced(child.pid!, injection);
      const what = JSON.stringify(injection);
      expect(trace, `${what}: ${output.stderr}`).not.toMatch(/\+\+\+ (killed|exited)/);
      process.kill(child.pid!, 'SIGCONT');
      const [, json] = await talker.printed(/^(\{.*\})$/m);
      const outcome = JSON.parse(json!) as Outcome;
      expect(outcome.wrong, what).toEqual([]);
      expect(outcome.done || outcome.codes.length > 0, what).toBe(true);
      for (const code of outcome.codes) codes.add(code);
      if (trace.includes('(INJECTED)') && ++injected === count) break;
    }
    console.info(`the program saw ${[...codes].sort().join(', ')}`);
    talker.child.stdin.end();
    expect(await talker.ended).toBe(0);
    expect(codes.size).toBeGreaterThan(3);
    reached('X1', count);
  });
});
