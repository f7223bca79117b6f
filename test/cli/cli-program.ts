/** The command line in a process of its own, with input and output as bytes. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../programs/run.js';

/** For `node --import`: TypeScript as it is. */
export const TSX = pathToFileURL(join(ROOT, 'node_modules/tsx/dist/loader.mjs')).href;
/** `npx pool-ts`. */
export const MAIN = join(ROOT, 'src/cli/main.ts');

/** A command under way. */
export interface CliProgram {
  readonly child: ChildProcessWithoutNullStreams;
  stdout(): string;
  stderr(): string;
  /** Bytes of standard output so far, and the digest of all of it once it has ended. */
  readonly received: { bytes: number; digest: string };
  /** Settles when what was printed on either output matches; rejects when the command ends before. */
  said(pattern: RegExp): Promise<RegExpMatchArray>;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

const running = new Set<ChildProcessWithoutNullStreams>();

/** Starts `pool-ts` with these arguments, on the user backend unless `env` says otherwise. */
export function startCli(args: readonly string[], env: NodeJS.ProcessEnv = {}): CliProgram {
  const child = spawn(process.execPath, ['--import', TSX, MAIN, ...args], {
    cwd: ROOT,
    env: { ...process.env, NODE_OPTIONS: '', POOL_BACKEND: 'user', ...env },
  });
  running.add(child);
  const text = { stdout: '', stderr: '' };
  const hash = createHash('sha256');
  const received = { bytes: 0, digest: '' };
  let changed = (): void => undefined;
  child.stdout.on('data', (chunk: Buffer) => {
    hash.update(chunk);
    received.bytes += chunk.length;
    if (text.stdout.length < 65536) text.stdout += chunk.toString('latin1');
    changed();
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    text.stderr += chunk;
    changed();
  });
  child.stdin.on('error', () => undefined); // it may end before it has read everything
  let over = false;
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once('close', (code, signal) => {
      over = true;
      running.delete(child);
      received.digest = hash.digest('hex');
      resolve(signal ?? code);
      changed();
    });
  });
  return {
    child,
    received,
    ended,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    async said(pattern) {
      for (;;) {
        const match = text.stdout.match(pattern) ?? text.stderr.match(pattern);
        if (match !== null) return match;
        if (over) throw new Error(`ended without saying ${String(pattern)}\n${text.stdout}\n${text.stderr}`);
        await new Promise<void>((resolve) => (changed = resolve));
      }
    },
  };
}

/** Runs to the end, with `stdin` as its input. */
export async function runCli(args: readonly string[], stdin: string | Uint8Array = '', env?: NodeJS.ProcessEnv) {
  const program = startCli(args, env);
  program.child.stdin.end(stdin);
  const code = await program.ended;
  return { code, stdout: program.stdout(), stderr: program.stderr(), received: program.received };
}

/** Where a command that listens can be reached on loopback. */
export async function addressOf(program: CliProgram): Promise<string> {
  const [, port = ''] = await program.said(/listening on \S+:(\d+)/);
  return `127.0.0.1:${port}`;
}

/** For afterEach: ends what a failed test left behind. */
export async function endCliPrograms(): Promise<void> {
  const left = [...running];
  await Promise.all(
    left.map(async (child) => {
      const closed = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGKILL');
      await closed;
    }),
  );
}

/** The digest that `received` has for the same bytes. */
export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
