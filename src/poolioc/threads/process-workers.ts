/** The worker threads of this process, shared by its ESM and its CommonJS copy of this code. */
import { ExitGuard } from './exit.js';
import { loadLibc } from '../libc.js';
import { WorkerPool } from './worker-pool.js';

/** Threads, and what happens when the process ends. */
export interface Workers {
  pool: WorkerPool;
  exit: ExitGuard;
}

const KEY = Symbol.for('pool-ts.workers.v1');
const registry = globalThis as { [KEY]?: Promise<Workers> };

/** Those of this process; made by the first call. Rejects ENOTSUP where there is no libc to call. */
export function processWorkers(): Promise<Workers> {
  return (registry[KEY] ??= make());
}

async function make(): Promise<Workers> {
  const libc = await loadLibc();
  const pool = new WorkerPool({ libc });
  const exit = new ExitGuard(pool, libc);
  exit.install();
  return { pool, exit };
}
