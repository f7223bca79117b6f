/**
 * What happens when the process ends in a normal way: return, process.exit(), an uncaught error. A thread inside a native
 * call would hold that up until the call returns. So: all calls that may be interrupted are; what was registered runs, for
 * the sessions that the process leaves behind; threads that load koffi are waited for; and if a thread is still inside a
 * call (a SEND, which is never interrupted) or loading, the process ends by _exit, with the exit code that it would have
 * had. A process killed by a signal ends at once anyway, and nothing of this happens.
 */
import { isMainThread } from 'node:worker_threads';
import { ForcedExit } from '../../base/forced-exit.js';
import type { WorkerPool } from './worker-pool.js';
import type { SignalLibc } from './worker-thread.js';
import { performance } from '../../base/timers.js';

/** ms for the signals. */
const INTERRUPT_MS = 100;
/** ms for everything that was registered, together. */
const HOOKS_MS = 500;
/** ms for threads that load koffi. It takes 65, and longer on a busy machine. */
const LOAD_MS = 2000;

/** Gets a function that tells how many ms are left for all hooks; one that must have more says how many it takes in all. */
export type ExitHook = (left: (budget?: number) => number) => void;

export class ExitGuard {
  readonly #pool: WorkerPool;
  readonly #libc: SignalLibc;
  readonly #hooks = new Set<ExitHook>();
  readonly #forced = new ForcedExit();

  constructor(pool: WorkerPool, libc: SignalLibc) {
    this.#pool = pool;
    this.#libc = libc;
  }

  /** @returns a function that takes the hook back */
  onExit(hook: ExitHook): () => void {
    this.#hooks.add(hook);
    return () => void this.#hooks.delete(hook);
  }

  /** Begins to watch for the end of the process; once. */
  install(): void {
    process.on('exit', this.#exit);
    this.#forced.install();
  }

  readonly #exit = (code: number): void => {
    this.#pool.interruptAll(INTERRUPT_MS);
    const from = performance.now();
    for (const hook of this.#hooks) {
      try {
        hook((budget = HOOKS_MS) => from + budget - performance.now());
      } catch {
        // The process ends, and the other hooks have their turn.
      }
    }
    const loaded = this.#pool.shutGate(LOAD_MS);
    // In a worker of the program's, ending is that worker's affair and not the process's.
    if ((this.#pool.anyInside || !loaded) && isMainThread) {
      this.#forced.now(code, this.#exit, (last) => this.#libc.exit(last));
    }
  };
}
