/** What keeps the process alive: nothing of this backend does so by itself, its workers and timers are all unref'd. */
import { clearInterval, LONGEST_TIMER_MS, setInterval } from '../../../base/timers.js';

export class KeepAlive {
  #holds = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Keeps the process alive until the returned function is called; calling that twice does nothing more. */
  hold(): () => void {
    this.#holds += 1;
    this.#timer ??= setInterval(() => {}, LONGEST_TIMER_MS);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#holds -= 1;
      if (this.#holds > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  /** Keeps the process alive while `work` is under way. */
  async during<T>(work: Promise<T>): Promise<T> {
    const release = this.hold();
    try {
      return await work;
    } finally {
      release();
    }
  }
}

/** The ref() and unref() of one thing: a hold that is on or off. */
export class Hold {
  readonly #keepAlive: KeepAlive;
  #release: (() => void) | null = null;
  #ended = false;

  constructor(keepAlive: KeepAlive) {
    this.#keepAlive = keepAlive;
  }

  ref(): void {
    if (!this.#ended) this.#release ??= this.#keepAlive.hold();
  }

  unref(): void {
    this.#release?.();
    this.#release = null;
  }

  /** Off for good. */
  end(): void {
    this.#ended = true;
    this.unref();
  }
}
