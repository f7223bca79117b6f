/**
 * How many threads of a device are inside a copy. One whose page never comes is ended by nothing but the end of the process, and
 * who ends a thread waits for those that it has started. So who ends a device's thread looks here first. One word, shared by the
 * program's thread and the device's.
 */
import type { ServerLibc } from '../server-libc.js';

export class RunningCopies {
  /** For the threads: they make one of it. */
  readonly shared: SharedArrayBuffer;
  readonly #word: Int32Array;

  constructor(shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.shared = shared;
    this.#word = new Int32Array(shared);
  }

  /** The same calls, of which those that copy are counted. */
  counted<L extends Pick<ServerLibc, 'processVmRead' | 'processVmWrite'>>(libc: L): L {
    const count = (copy: ServerLibc['processVmRead']): ServerLibc['processVmRead'] => {
      return (pid, local, remote) => {
        Atomics.add(this.#word, 0, 1);
        const copied = copy(pid, local, remote);
        Atomics.sub(this.#word, 0, 1);
        Atomics.notify(this.#word, 0);
        return copied;
      };
    };
    return { ...libc, processVmRead: count(libc.processVmRead), processVmWrite: count(libc.processVmWrite) };
  }

  /** Waits up to `ms`, without the event loop, until none is under way. False: one is, and hangs where `ms` was long. */
  over(ms: number): boolean {
    const until = performance.now() + ms;
    for (;;) {
      const running = Atomics.load(this.#word, 0);
      const left = until - performance.now();
      if (running === 0 || left <= 0) return running === 0;
      Atomics.wait(this.#word, 0, running, left);
    }
  }
}
