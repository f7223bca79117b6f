/**
 * A point in time after which operations fail: absolute, movable, for pending and for future calls, as Go's
 * `net.Conn.SetDeadline`. Monotonic once set, so a wall clock that jumps doesn't move it.
 */
import { inspect, types } from 'node:util';
import { wrongType } from '../../base/arguments.js';
import { PoolError } from '../../base/errors.js';
import { LONGEST_TIMER_MS, nodeTimers, type TimerFunctions } from '../../base/timers.js';

export class Deadline {
  /** `performance.now()` at which it passes; null while there is none. */
  #at: number | null = null;
  readonly #passed: () => void;
  readonly #timers: TimerFunctions;
  #timer: NodeJS.Timeout | undefined;
  /** `performance.now()` at which the timer asks again: at or before the deadline. */
  #asksAt = 0;
  #watched = false;
  #refed = true;

  /** `passed` is called each time that the deadline passes while it is watched. */
  constructor(passed: () => void, timers = nodeTimers) {
    this.#passed = passed;
    this.#timers = timers;
  }

  /**
   * Moves the deadline, or clears it with null. One in the past passes at once.
   * @param at Date, or ms since the epoch; any of them, also beyond the 2^31 ms of Node's timers
   * @throws PoolError ERR_INVALID_ARG_TYPE, or ERR_INVALID_ARG_VALUE for an invalid Date, NaN and the infinities
   */
  set(at: Date | number | null): void {
    const time = at === null ? null : milliseconds(at);
    this.#at = time === null ? null : this.#timers.performance.now() + (time - Date.now());
    // A timer that asks too early is kept: moving the deadline further on before each call then costs no timer.
    if (this.#at === null || this.#at < this.#asksAt) this.#stop();
    if (this.#watched) this.#arm();
  }

  get isSet(): boolean {
    return this.#at !== null;
  }

  get passed(): boolean {
    return this.#at !== null && this.#timers.performance.now() >= this.#at;
  }

  /** An operation waits from now on. The timer holds the process only between `watch` and `unwatch`. */
  watch(): void {
    this.#watched = true;
    if (this.#at !== null) this.#arm();
  }

  /** No operation waits any more. */
  unwatch(): void {
    this.#watched = false;
    this.#timer?.unref();
  }

  ref(): void {
    this.#refed = true;
    if (this.#watched) this.#timer?.ref();
  }

  unref(): void {
    this.#refed = false;
    this.#timer?.unref();
  }

  /** Gives the timer back; the deadline itself stays. For the end of what it belongs to. */
  dispose(): void {
    this.#watched = false;
    this.#stop();
  }

  #arm(): void {
    if (this.#at === null) return;
    const left = this.#at - this.#timers.performance.now();
    if (left <= 0) {
      this.#stop();
      this.#passed();
      return;
    }
    if (this.#timer === undefined) {
      const delay = Math.min(Math.ceil(left), LONGEST_TIMER_MS);
      this.#asksAt = this.#timers.performance.now() + delay;
      this.#timer = this.#timers.setTimeout(this.#ask, delay);
    }
    if (this.#refed) this.#timer.ref();
    else this.#timer.unref();
  }

  #stop(): void {
    this.#timers.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#asksAt = 0;
  }

  /** Node's timers may be a fraction early, and the deadline may have moved: so this asks, and doesn't conclude. */
  readonly #ask = (): void => {
    this.#stop();
    if (this.#watched) this.#arm();
  };
}

function milliseconds(at: unknown): number {
  const time = types.isDate(at) ? at.getTime() : at;
  if (typeof time !== 'number') {
    throw wrongType('a deadline', 'a Date, a number of ms since the epoch, or null', at);
  }
  if (!Number.isFinite(time)) {
    throw new PoolError(
      'ERR_INVALID_ARG_VALUE',
      `a deadline is a point in time, not ${inspect(at)}; null takes it away`,
    );
  }
  return time;
}
