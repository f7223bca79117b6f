import { hrtime, LONGEST_TIMER_MS } from '../base/timers.js';

/** Monotonic nanoseconds: the only time that a node knows. A parameter everywhere, so that tests can turn it. */
export type Clock = () => bigint;

/** The machine's monotonic clock. A changed wall clock moves no deadline. */
export const monotonicClock: Clock = () => hrtime();

export const NS_PER_MS = 1_000_000n;

/** Milliseconds for setTimeout from `now` to `deadline`, rounded up so that the timer does not fire early. */
export function timerDelay(deadline: bigint, now: bigint): number {
  if (deadline <= now) return 1;
  const ms = (deadline - now + NS_PER_MS - 1n) / NS_PER_MS;
  return ms > BigInt(LONGEST_TIMER_MS) ? LONGEST_TIMER_MS : Number(ms);
}

/** Milliseconds as they come in options, fractions and Infinity included, in ns. */
export function nanoseconds(ms: number): bigint {
  return BigInt(Math.round(Math.min(ms, LONGEST_TIMER_MS) * 1e6));
}
