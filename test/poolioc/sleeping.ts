/** A pool whose workers make a real system call that blocks, and are interrupted by real signals. */
import { ExitGuard } from '../../src/poolioc/threads/exit.js';
import { loadLibc, type Libc } from '../../src/poolioc/libc.js';
import { WorkerPool } from '../../src/poolioc/threads/worker-pool.js';
import type { ThreadClass, ThreadRequest } from '../../src/poolioc/threads/thread-request.js';

export interface SleepingOptions {
  /** ms that a call takes. */
  ms: number;
  /** URLs: the worker, libc, and test/fixtures/poolioc/sleeping-libc.mjs. */
  worker: string;
  libc: string;
  module: string;
}

export interface Sleeping {
  pool: WorkerPool;
  exit: ExitGuard;
  libc: Libc;
  /** Calls that were begun. */
  begun: () => number;
  /** The thread that began the last one. */
  lastThread: () => number;
}

export async function sleeping({ ms, worker, libc: libcUrl, module }: SleepingOptions): Promise<Sleeping> {
  const libc = await loadLibc();
  const words = new Int32Array(new SharedArrayBuffer(8));
  const substitute = { module, options: { libc: libcUrl, ms, words } };
  const pool = new WorkerPool({ libc, file: new URL(worker), idleTimeout: 50, substitute });
  return {
    pool,
    exit: new ExitGuard(pool, libc),
    libc,
    begun: () => Atomics.load(words, 0),
    lastThread: () => Atomics.load(words, 1),
  };
}

/** A call that blocks. */
export function sleep(threads: ThreadClass): ThreadRequest<void> {
  return { threads, call: { kind: 'ioctl', fd: -1, request: 0, argument: false, retry: false } };
}
