import { describe, expect, it } from 'vitest';
import { LONGEST_TIMER_MS } from '../../src/base/timers.js';
import { monotonicClock, nanoseconds, timerDelay } from '../../src/poolnode/clock.js';

describe('timerDelay', () => {
  it.each([
    [0n, 1],
    [-5n, 1],
    [1n, 1],
    [1_000_000n, 1],
    [1_000_001n, 2],
    [5_000_000_000n, 5000],
    [10n ** 18n, LONGEST_TIMER_MS],
  ])('a deadline %d ns away takes a timer of %d ms', (away, ms) => {
    expect(timerDelay(100n + away, 100n)).toBe(ms);
  });
});

describe('nanoseconds', () => {
  it.each([
    [1, 1_000_000n],
    [0.5, 500_000n],
    [Infinity, BigInt(LONGEST_TIMER_MS) * 1_000_000n],
  ])('%d ms are %d ns', (ms, ns) => {
    expect(nanoseconds(ms)).toBe(ns);
  });
});

describe('monotonicClock', () => {
  it('never goes back', () => {
    const times = Array.from({ length: 100 }, () => monotonicClock());
    expect(times.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))).toEqual(times);
  });
});
