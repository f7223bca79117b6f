/**
 * Threads that load koffi, and whoever ends them. A thread that is ended while koffi loads in it takes the whole process with
 * it, by SIGABRT: node-addon-api can't throw there any more, and aborts. So a thread passes this gate to load, and whoever
 * ends threads, at the end of the process above all, shuts it before. Shared by any number of threads.
 */
import { performance } from './timers.js';

const Word = { LOADING: 0, SHUT: 1 } as const;

export class LoadGate {
  /** For the threads: they make a gate of it. */
  readonly shared: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(shared = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT)) {
    this.shared = shared;
    this.#words = new Int32Array(shared);
  }

  /** A thread: loads, unless the gate is shut; then this never settles, since the thread is about to be ended. */
  async load<T>(load: () => Promise<T>): Promise<T> {
    // Counted before it looks, as `shut` shuts before it counts: one of the two sees the other.
    Atomics.add(this.#words, Word.LOADING, 1);
    try {
      if (Atomics.load(this.#words, Word.SHUT) === 0) return await load();
    } finally {
      Atomics.sub(this.#words, Word.LOADING, 1);
      Atomics.notify(this.#words, Word.LOADING);
    }
    return new Promise(() => {});
  }

  /**
   * Who ends the threads: from now on no load begins. Waits up to `ms`, without the event loop, for those that have begun.
   * @returns whether none is under way
   */
  shut(ms: number): boolean {
    Atomics.store(this.#words, Word.SHUT, 1);
    const until = performance.now() + ms;
    for (;;) {
      const loading = Atomics.load(this.#words, Word.LOADING);
      const left = until - performance.now();
      if (loading === 0 || left <= 0) return loading === 0;
      Atomics.wait(this.#words, Word.LOADING, loading, left);
    }
  }
}
