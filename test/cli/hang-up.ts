/** Commands on a terminal that hangs up: the other end of the pseudo-terminal goes away. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { ROOT } from '../programs/run.js';

const LEADER = join(ROOT, 'test/cli/programs/leader.mjs');

export interface HangUp {
  /** When it hangs up: what stands on the terminal or on standard error then. */
  shown: RegExp;
  /** Whether the command gets SIGHUP, or has to find out by itself. */
  signal: boolean;
  /** Whether standard error is the terminal as well, or apart. */
  errors?: 'terminal' | 'apart';
  env?: NodeJS.ProcessEnv;
  /** Something else that happens to it behind the hang-up. */
  then?: (pid: number) => void;
}

export interface HungUp {
  /** How the command ended. */
  end: { code: number | null; signal: NodeJS.Signals | null };
  /** What it said on standard error, where that is apart. */
  errors: string;
}

/** Runs `command`, the shell's words, on a terminal of its own until that hangs up and the command has ended. */
export async function hangUp(command: string, options: HangUp): Promise<HungUp> {
  const { shown, signal, errors = 'apart', env = {}, then } = options;
  const line = `stty rows 24 columns 80 && exec '${process.execPath}' '${LEADER}' ${command}`;
  const child = spawn('script', ['-qefc', line, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      ...{ NODE_OPTIONS: '', NODE_NO_WARNINGS: '1', TERM: 'xterm-256color', SHELL: '/bin/sh' },
      ...{ POOL_TEST_HANG_UP: signal ? 'pass' : 'alone', POOL_TEST_ERRORS: errors },
      ...env,
    },
  });
  child.stdin!.on('error', () => undefined);
  const told = createInterface({ input: child.stdio[3] as Readable })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    const { value } = (await told.next()) as { value: string | undefined };
    if (value === undefined) throw new Error(`no end was told; shown was ${JSON.stringify(seen)}, said ${said}`);
    return JSON.parse(value);
  };
  let [seen, said] = ['', ''];
  const ready = new Promise<void>((resolve) => {
    const look = (): void => void ((shown.test(seen) || shown.test(said)) && resolve());
    child.stdout!.on('data', (piece: Buffer) => void ((seen += piece.toString()), look()));
    (child.stdio[4] as Readable).on('data', (piece: Buffer) => void ((said += piece.toString()), look()));
  });
  const { pid } = (await next()) as { pid: number };
  const end = next() as Promise<HungUp['end']>;
  await Promise.race([ready, end]);
  // It has the other end of the terminal, which is gone when it is.
  if (child.exitCode === null && child.signalCode === null) {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
  then?.(pid);
  return { end: await end, errors: said };
}
