import { checkFunction, checkMilliseconds } from '../../base/arguments.js';
import { LONGEST_TIMER_MS, nodeTimers, type TimerFunctions } from '../../base/timers.js';

/** Tells when nothing moved for a while: the option `idleTimeout`. Never keeps the process alive. */
export class IdleTimer {
  readonly #timers: TimerFunctions;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param timeout ms; 0 for never, and 2^31 - 1 (24 days) for whatever is longer
   * @param idle called after so long without a `touch`; false puts it off by as much again
   */
  constructor(timeout: number, idle: () => boolean, timers = nodeTimers) {
    this.#timers = timers;
    if (timeout === 0) return;
    const timer = timers.setTimeout(
      () => {
        if (!idle()) timer.refresh();
      },
      Math.min(timeout, LONGEST_TIMER_MS),
    );
    this.#timer = timer.unref();
  }

  touch(): void {
    this.#timer?.refresh();
  }

  stop(): void {
    this.#timers.clearTimeout(this.#timer);
    // A refresh would bring a cleared timer back.
    this.#timer = undefined;
  }
}

/**
 * What the `setTimeout` of a stream takes, as a net.Socket's.
 * @throws PoolError ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE
 */
export function requireTimeout(timeout: unknown, callback: unknown): void {
  checkMilliseconds('a timeout', timeout);
  if (callback !== undefined) checkFunction('a callback', callback);
}
