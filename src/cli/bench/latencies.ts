/** Latencies in Node's histogram, so that an hour of them takes no more memory than a second. */
import { createHistogram } from 'node:perf_hooks';

/** Digits that a percentile is right to: it is off by less than 0.1 %. */
const FIGURES = 3;
/** ns: an hour; longer counts as that in percentiles. */
const HIGHEST_NS = 3_600_000_000_000;

export class Latencies {
  readonly #histogram = createHistogram({ highest: HIGHEST_NS, figures: FIGURES });
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
    this.#histogram.record(Math.min(HIGHEST_NS, Math.max(1, Math.round(ns))));
    this.#count += 1;
    this.#sum += ns;
    this.#least = Math.min(this.#least, ns);
    this.#most = Math.max(this.#most, ns);
  }

  /** µs: what `percent` of all are not above (nearest rank); 0 and 100 are exact. Null where there is none. */
  percentile(percent: number): number | null {
    if (this.#count === 0) return null;
    if (percent <= 0) return this.#least / 1000;
    if (percent >= 100) return this.#most / 1000;
    return Math.min(this.#most, Math.max(this.#least, this.#histogram.percentile(percent))) / 1000;
  }
}
