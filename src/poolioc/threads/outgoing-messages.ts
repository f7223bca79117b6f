/** The main thread's end of a thread that sends: what it has been given, and how much of that has gone out. */
import { queueMicrotask } from '../../base/timers.js';
import type { MessageRing } from './message-ring.js';

export class OutgoingMessages {
  readonly #sent: (count: number) => void;
  #ring: MessageRing | null = null;
  #pushed = 0;
  #told = 0;
  /** What the thread tells of next; no more than `#told` where nothing is on its way. */
  #wanted = 0;
  /** `push` has found no room, and whoever called it waits to be told. */
  #refused = false;

  constructor(sent: (count: number) => void) {
    this.#sent = sent;
  }

  /** A thread has the order. */
  begin(ring: MessageRing): void {
    this.#ring = ring;
    // It may have been waited for; not before this turn is over, where it was free.
    queueMicrotask(() => this.news());
  }

  push(channel: number, data: Uint8Array): boolean {
    const ring = this.#ring;
    // Before the thread has it, which may be done with it before `put` returns: it tells of what it was asked for by then.
    if (ring !== null && this.#wanted <= this.#told) this.#want(ring, this.#pushed + 1);
    if (ring === null || !ring.put(data, channel)) {
      this.#refused = true;
      return false;
    }
    this.#pushed += 1;
    return true;
  }

  /** The thread has got further. */
  news(): void {
    const ring = this.#ring;
    if (ring === null) return;
    for (;;) {
      const taken = ring.taken;
      const news = taken > this.#told || this.#refused;
      this.#told = taken;
      this.#refused = false;
      if (news) this.#sent(taken);
      if (this.#pushed === this.#told || this.#want(ring, this.#pushed)) return;
    }
  }

  /** The ring is another order's from now on. */
  end(): void {
    this.#ring = null;
  }

  /**
   * Half of what is on its way once `pushed` messages are, so that the thread is given more before it runs dry. False where
   * it has got there by now.
   */
  #want(ring: MessageRing, pushed: number): boolean {
    this.#wanted = this.#told + Math.max(1, (pushed - this.#told) >> 1);
    return ring.want(this.#wanted);
  }
}
