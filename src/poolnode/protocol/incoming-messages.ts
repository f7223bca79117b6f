/** Messages out of the peer's DATA packets: most are one packet each, others come in fragments that have a deadline. */
import { Flag } from './constants.js';
import { Reassembly } from './fragments.js';
import { Timer, type Timers } from './timers.js';

export class IncomingMessages {
  readonly #reassembly = new Reassembly();
  readonly #timers: Timers;
  /** The reassembly's deadline that the timer was set to. */
  #watched: bigint | null = null;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Takes the plaintext of a DATA packet, which is its to keep; gives the message that is whole with it, else null. */
  take(channel: number, flags: number, plaintext: Uint8Array, now: bigint): Uint8Array | null {
    if ((flags & Flag.Fragment) === 0) return plaintext;
    const message = this.#reassembly.add(channel, plaintext, (flags & Flag.LastFragment) !== 0, now);
    this.#watch();
    return message;
  }

  /** Moves the deadline by a time in which nothing was read; the timers are moved besides. */
  shiftDeadlines(ns: bigint): void {
    this.#reassembly.shiftDeadlines(ns);
    if (this.#watched !== null) this.#watched += ns;
  }

  clear(): void {
    this.#reassembly.clear();
    this.#watched = null;
  }

  /** The timer itself doesn't tell what it was set to: it moves for its second step, which to set it again would put off. */
  #watch(): void {
    const { deadline } = this.#reassembly;
    if (deadline === this.#watched) return;
    this.#watched = deadline;
    if (deadline === null) this.#timers.stop(Timer.Fragments);
    else this.#timers.set(Timer.Fragments, deadline);
  }
}
