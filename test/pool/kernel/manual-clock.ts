import type { KernelClock, ClockTimer } from '../../../src/pool/kernel/calls/kernel-clock.js';

/** Lets everything run that is ready, without any time passing. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 3; round += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Time that passes when a test says so. */
export class ManualClock implements KernelClock {
  #now = 1_000_000;
  #timers: { at: number; fn: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, fn: () => void): ClockTimer {
    const timer = { at: this.#now + ms, fn };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((one) => one !== timer);
      },
    };
  }

  /** Goes from timer to timer, so that what each of them starts happens at its own time. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const next = this.#timers.reduce<{ at: number; fn: () => void } | null>(
        (first, one) => (one.at <= end && one.at < (first?.at ?? Infinity) ? one : first),
        null,
      );
      if (next === null) break;
      this.#timers = this.#timers.filter((one) => one !== next);
      this.#now = Math.max(this.#now, next.at);
      next.fn();
      await settle();
    }
    this.#now = end;
  }

  /** Time that passes while nothing runs: a machine that slept. */
  jump(ms: number): void {
    this.#now += ms;
  }

  get pending(): number {
    return this.#timers.length;
  }
}
