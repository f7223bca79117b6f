import { Timer, type Timers } from './timers.js';

/**
 * The deadline of a packet whose first byte came: it is set when the packet begins, and nothing but its last byte takes it
 * away, so that bytes dripping in do not extend it.
 */
export class PacketWatch {
  readonly #timers: Timers;
  readonly #timeout: bigint;
  #watching = false;

  constructor(timers: Timers, timeout: bigint) {
    this.#timers = timers;
    this.#timeout = timeout;
  }

  /** A packet is whole. */
  completed(): void {
    if (!this.#watching) return;
    this.#watching = false;
    this.#timers.stop(Timer.Packet);
  }

  /** No whole packet is there; `partial` says whether one has begun. */
  waiting(partial: boolean, now: bigint): void {
    if (!partial || this.#watching) return;
    this.#watching = true;
    this.#timers.set(Timer.Packet, now + this.#timeout);
  }
}
