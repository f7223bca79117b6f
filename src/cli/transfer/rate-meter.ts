/** How fast something moves, smoothed over some seconds. The time is an argument. */

/** ms over which the rate is averaged: long enough not to flicker, short enough to show a stall. */
const SPAN_MS = 5000;

export class RateMeter {
  #samples: { at: number; value: number }[];

  constructor(at: number, value: number) {
    this.#samples = [{ at, value }];
  }

  /** At the time `at`, in ms, it has come to `value`. */
  update(at: number, value: number): void {
    this.#samples.push({ at, value });
    // The oldest sample that is kept is the last one outside the span, or the first of all.
    while (this.#samples.length > 2 && at - this.#samples[1]!.at >= SPAN_MS) this.#samples.shift();
  }

  /** Units a second; 0 while nothing is known. */
  get perSecond(): number {
    const first = this.#samples[0]!;
    const last = this.#samples.at(-1)!;
    return last.at > first.at ? ((last.value - first.value) * 1000) / (last.at - first.at) : 0;
  }

  /** Seconds until it comes to `target`; null while nobody can tell. */
  secondsTo(target: number): number | null {
    const left = target - this.#samples.at(-1)!.value;
    if (left <= 0) return 0;
    return this.perSecond > 0 ? left / this.perSecond : null;
  }
}
