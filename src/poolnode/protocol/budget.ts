/** A token bucket: so many at once, so many a second. */

const NS_PER_SECOND = 1_000_000_000n;

export class Budget {
  readonly #burst: number;
  readonly #perSecond: number;
  #left: number;
  #since: bigint;

  constructor(perSecond: number, now: bigint, burst: number = perSecond) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#left = burst;
    this.#since = now;
  }

  /** Takes one, or says that there is none. */
  take(now: bigint): boolean {
    const elapsed = now - this.#since;
    if (elapsed >= NS_PER_SECOND / BigInt(this.#perSecond)) {
      const gained = Number((elapsed * BigInt(this.#perSecond)) / NS_PER_SECOND);
      this.#left = Math.min(this.#burst, this.#left + gained);
      this.#since = now;
    }
    if (this.#left === 0) return false;
    this.#left--;
    return true;
  }
}
