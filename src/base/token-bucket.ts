/** A token bucket: so many at once, so many a second. */

const NS_PER_SECOND = 1_000_000_000n;

/** Kept as the generic cell rate algorithm does: by the one time at which the bucket is full again. Full at first. */
export class TokenBucket {
  /** ns for one token, and for all but one. */
  readonly #interval: bigint;
  readonly #tolerance: bigint;
  #fullAt = 0n;

  /** Both whole numbers from 1. Times are monotonic ns from 0. */
  constructor(perSecond: number, burst: number = perSecond) {
    this.#interval = NS_PER_SECOND / BigInt(perSecond);
    this.#tolerance = BigInt(burst - 1) * this.#interval;
  }

  /** When there is a token; it may be past. */
  get nextToken(): bigint {
    return this.#fullAt - this.#tolerance;
  }

  isFull(now: bigint): boolean {
    return this.#fullAt <= now;
  }

  /** Takes a token, or says that there is none. */
  take(now: bigint): boolean {
    if (this.nextToken > now) return false;
    this.#fullAt = (this.#fullAt > now ? this.#fullAt : now) + this.#interval;
    return true;
  }
}
