/** Time as this backend uses it; an argument, so that tests turn it by hand. */
import { clearTimeout, performance, setTimeout } from '../../../base/timers.js';

export interface ClockTimer {
  cancel(): void;
}

export interface KernelClock {
  /** Monotonic milliseconds. */
  now(): number;
  /** Calls `fn` once after `ms`. The timer never keeps the process alive: KeepAlive does that, where it should be. */
  after(ms: number, fn: () => void): ClockTimer;
}

/** The process's monotonic clock. */
export const systemClock: KernelClock = {
  now: () => performance.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms).unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Settles as `work` does, or with `late` after `ms`. `work` itself goes on. */
export async function within<T, L>(clock: KernelClock, ms: number, work: Promise<T>, late: L): Promise<T | L> {
  let timer: ClockTimer | undefined;
  const timeout = new Promise<L>((resolve) => {
    timer = clock.after(Math.max(0, ms), () => resolve(late));
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    timer?.cancel();
  }
}
