/** Latencies in buckets, so that an hour of them takes no more memory than a second. */

/** Buckets to a doubling: a percentile is off by less than 1 %. */
const STEPS = 128;
/** ns; shorter is not told apart. */
const FLOOR_NS = 100;

export class Latencies {
  readonly #buckets: number[] = [];
  #count = 0;
  #sum = 0;
  #least = Infinity;
  #most = 0;

  get count(): number {
    return this.#count;
  }

  /** µs; null where there is none. */
  get mean(): number | null {
    return this.#count === 0 ? null : this.#sum / this.#count / 1000;
  }

  add(ns: number): void {
    const bucket = Math.max(0, Math.floor(Math.log2(Math.max(ns, FLOOR_NS) / FLOOR_NS) * STEPS));
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
    this.#count += 1;
    this.#sum += ns;
    this.#least = Math.min(this.#least, ns);
    this.#most = Math.max(this.#most, ns);
  }

  /** µs: what `percent` of all are not above (nearest rank); 0 and 100 are exact. Null where there is none. */
  percentile(percent: number): number | null {
    if (this.#count === 0) return null;
    if (percent <= 0) return this.#least / 1000;
    let left = Math.ceil((percent / 100) * this.#count);
    if (left >= this.#count) return this.#most / 1000;
    for (const [bucket, count = 0] of this.#buckets.entries()) {
      left -= count;
      if (left <= 0) return this.#within(FLOOR_NS * 2 ** ((bucket + 0.5) / STEPS)) / 1000;
    }
    return this.#most / 1000;
  }

  #within(ns: number): number {
    return Math.min(this.#most, Math.max(this.#least, ns));
  }
}
