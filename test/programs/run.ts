/** Runs programs as a user would, in processes of their own, for the tests of examples and documentation. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const TSX = pathToFileURL(join(ROOT, 'node_modules/tsx/dist/loader.mjs')).href;

/** A program under way. */
export interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  /** All that it printed so far, standard output and error apart. */
  readonly output: { stdout: string; stderr: string };
  /** Settles when standard output matches; rejects when the program ends before. */
  printed(pattern: RegExp): Promise<RegExpMatchArray>;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

const running = new Set<ChildProcessWithoutNullStreams>();

/** Starts Node, this one or `node`, with these arguments; TypeScript is understood. Uses the user backend unless `env` says otherwise. */
export function start(
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; node?: string | undefined } = {},
): Running {
  const child = spawn(options.node ?? process.execPath, ['--import', TSX, ...args], {
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, NODE_OPTIONS: '', POOL_BACKEND: 'user', ...options.env },
  });
  running.add(child);
  const output = { stdout: '', stderr: '' };
  let changed = () => undefined as void;
  let next = new Promise<void>((resolve) => (changed = resolve));
  const note = (name: 'stdout' | 'stderr') => (text: string) => {
    output[name] += text;
    changed();
    next = new Promise((resolve) => (changed = resolve));
  };
  child.stdout.setEncoding('utf8').on('data', note('stdout'));
  child.stderr.setEncoding('utf8').on('data', note('stderr'));
  child.stdin.on('error', () => undefined); // it may end before it has read everything
  let over = false;
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.on('close', (code, signal) => {
      over = true;
      running.delete(child);
      resolve(signal ?? code);
      changed();
    });
  });
  return {
    child,
    output,
    ended,
    async printed(pattern) {
      for (;;) {
        const match = output.stdout.match(pattern);
        if (match) return match;
        if (over) throw new Error(`ended without printing ${String(pattern)}\n${output.stdout}\n${output.stderr}`);
        await next;
      }
    },
  };
}

/** Runs to the end, with `stdin` as its input. */
export async function run(
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; stdin?: string } = {},
) {
  const program = start(args, options);
  program.child.stdin.end(options.stdin ?? '');
  const code = await program.ended;
  return { code, ...program.output };
}

/** ms for a program to end when asked, before it is killed. */
const GRACE_MS = 5000;

/** For afterEach: ends what a failed test left behind; asks first, since a served device unmounts only then. */
export async function killAll(): Promise<void> {
  await Promise.all(
    [...running].map(async (child) => {
      const closed = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGTERM');
      const kill = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
      await closed;
      clearTimeout(kill);
    }),
  );
}
