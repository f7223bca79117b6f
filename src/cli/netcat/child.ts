/** The command of `--exec`: its standard input and output are a session's. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { orLate } from '../../base/timers.js';

/** ms that a command has to end by itself once its input has ended: it may still be storing what it got. */
const GRACE_MS = 3000;

/** ms from SIGTERM to SIGKILL. */
const KILL_AFTER_MS = 1000;

/** A command under way. */
export interface Child {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Fulfils when it has ended and all that it printed was read; rejects when it can't be started. */
  readonly ended: Promise<void>;
  /** Ends its input, and it as well, by its process id, where it doesn't end by itself soon. Settles when it is gone. */
  end(graceMs?: number): Promise<void>;
}

/** Starts `command` with the shell. What it prints on standard error goes to ours. */
export function startChild(command: string, env: NodeJS.ProcessEnv): Child {
  // A group of its own: the shell's children are ended with the shell.
  const detached = process.platform !== 'win32';
  const child = spawn(command, { shell: true, detached, env, stdio: ['pipe', 'pipe', 'inherit'] });
  // Whether it reads its input is its own affair: EPIPE is no failure.
  child.stdin.on('error', () => undefined);
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  });
  ended.catch(() => undefined); // told to whoever waits
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    ended,
    async end(graceMs = GRACE_MS) {
      if (child.pid === undefined) return;
      child.stdin.end();
      child.stdout.resume();
      await endWithin(child, [
        [graceMs, 'SIGTERM'],
        [KILL_AFTER_MS, 'SIGKILL'],
      ]);
      child.stdout.destroy();
    },
  };
}

async function endWithin(child: ChildProcess, steps: readonly (readonly [number, NodeJS.Signals])[]): Promise<void> {
  for (const [ms, signal] of steps) {
    if (child.exitCode !== null || child.signalCode !== null) return;
    if ((await orLate(ms, once(child, 'exit'), null)) !== null) return;
    if (process.platform === 'win32') child.kill(signal);
    else signalGroup(child.pid!, signal);
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
