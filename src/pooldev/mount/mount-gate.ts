/**
 * Who is first: the device's thread, which wants to mount, or the program's, which ends. A mount made after the exit hooks
 * have cleaned up would stay behind, and koffi aborts the process when its poll calls back into a thread that is being
 * ended. One word, shared by both threads.
 */
const State = { OPEN: 0, MOUNTING: 1, RELEASED: 2, SHUT: 3 } as const;

export class MountGate {
  readonly shared: SharedArrayBuffer;
  readonly #word: Int32Array;

  constructor(shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.shared = shared;
    this.#word = new Int32Array(shared);
  }

  /** The device's thread, before it mounts. False: the program is ending, it must not. */
  enter(): boolean {
    return Atomics.compareExchange(this.#word, 0, State.OPEN, State.MOUNTING) === State.OPEN;
  }

  /** The device's thread: its fd of /dev/fuse is closed, or was never had. */
  release(): void {
    Atomics.store(this.#word, 0, State.RELEASED);
    Atomics.notify(this.#word, 0);
  }

  /** The program's thread: nothing is mounted from now on. False: something is or was, and `released` is to be waited for. */
  shut(): boolean {
    const before = Atomics.compareExchange(this.#word, 0, State.OPEN, State.SHUT);
    return before === State.OPEN || before === State.SHUT;
  }

  /** The program's thread: waits up to `ms`, without the event loop, for the fd to be closed. */
  released(ms: number): boolean {
    Atomics.wait(this.#word, 0, State.MOUNTING, ms);
    return Atomics.load(this.#word, 0) === State.RELEASED;
  }
}
