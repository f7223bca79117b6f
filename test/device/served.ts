/** Device files served by processes of their own, as `npx pool-ts device` serves them, for everything in this folder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ROOT } from '../programs/run.js';

/** The command as it is installed; `npm run test:device` builds it first. */
export const CLI = join(ROOT, 'dist/cli/main.js');

export interface ServeOptions {
  strictModule?: boolean;
  /** Where LISTEN listens: on IPv4 loopback unless said otherwise. '' is every address, as the module has it. */
  host?: string;
  /** The device file; one in a new folder when left out. */
  path?: string;
}

export interface Served extends AsyncDisposable {
  readonly path: string;
  readonly pid: number;
  /** Exit code, or signal. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  /** Ends it as Ctrl-C does, and waits until it is gone; the folder goes as well. */
  stop(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

/** Starts a device and waits until programs can open it. */
export async function serveDevice(options: ServeOptions = {}): Promise<Served> {
  const { strictModule = false, host = '127.0.0.1' } = options;
  const folder = options.path === undefined ? mkdtempSync(join(tmpdir(), 'pool-device-')) : null;
  const path = options.path ?? join(folder!, 'pool');
  const args = [CLI, 'device', path, '--host', host, ...(strictModule ? ['--strict-module'] : [])];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit').then(([code, signal]) => (signal ?? code) as number | NodeJS.Signals | null);
  await started(child, ended);
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    if (folder !== null) rmSync(folder, { recursive: true, force: true });
  };
  return {
    path,
    pid: child.pid!,
    ended,
    stop,
    kill: (signal) => void child.kill(signal),
    [Symbol.asyncDispose]: stop,
  };
}

async function started(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  const line = once(createInterface({ input: child.stdout! }), 'line');
  const [said] = (await Promise.race([
    line,
    ended.then((code) => Promise.reject(new Error(`the device ended with ${String(code)} before it served`))),
  ])) as [string];
  if (!said.startsWith('serving ')) throw new Error(`the device said ${said}`);
}
