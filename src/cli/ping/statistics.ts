/** What ping prints at its end: how many came back, and how long they took. */

/** Times of one kind, in ms; in sums, so that a day of them takes no more memory than a minute. */
export class Times {
  #count = 0;
  #sum = 0;
  #squares = 0;
  #least = Infinity;
  #most = 0;

  get count(): number {
    return this.#count;
  }

  /** Gives how many there are then. */
  add(ms: number): number {
    this.#count += 1;
    this.#sum += ms;
    this.#squares += ms * ms;
    this.#least = Math.min(this.#least, ms);
    this.#most = Math.max(this.#most, ms);
    return this.#count;
  }

  /** As ping(8) has them: mdev is the standard deviation of all. Null where there is none. */
  get summary(): { min: number; avg: number; max: number; mdev: number } | null {
    if (this.#count === 0) return null;
    const avg = this.#sum / this.#count;
    const mdev = Math.sqrt(Math.max(0, this.#squares / this.#count - avg * avg));
    return { min: this.#least, avg, max: this.#most, mdev };
  }
}

/** `min/avg/max/mdev = 0.812/1.044/1.310/0.207 ms` */
export function summaryText(times: Times): string {
  const { summary } = times;
  if (summary === null) return '';
  const figures = [summary.min, summary.avg, summary.max, summary.mdev].map((ms) => ms.toFixed(3));
  return `min/avg/max/mdev = ${figures.join('/')} ms`;
}
