import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Deadline } from '../../../src/pool/flow/deadline.js';
import { globalTimers } from '../../global-timers.js';

const DAY_MS = 86_400_000;

describe('a deadline', () => {
  let passed = 0;
  let deadline: Deadline;

  beforeEach(() => {
    vi.useFakeTimers();
    passed = 0;
    deadline = new Deadline(() => {
      passed += 1;
    }, globalTimers);
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it('passes at its time, and not before', () => {
    deadline.set(Date.now() + 100);
    deadline.watch();
    vi.advanceTimersByTime(99);
    expect([passed, deadline.passed]).toEqual([0, false]);
    vi.advanceTimersByTime(1);
    expect([passed, deadline.passed]).toEqual([1, true]);
  });

  it('reaches over the longest delay of a timer', () => {
    deadline.set(new Date(Date.now() + 60 * DAY_MS));
    deadline.watch();
    vi.advanceTimersByTime(60 * DAY_MS - 1);
    expect(passed).toBe(0);
    vi.advanceTimersByTime(1);
    expect(passed).toBe(1);
  });

  it('is monotonic: a wall clock that jumps does not move it', () => {
    deadline.set(Date.now() + 1000);
    deadline.watch();
    vi.setSystemTime(Date.now() + 10 * DAY_MS);
    vi.advanceTimersByTime(999);
    expect(passed).toBe(0);
    vi.setSystemTime(Date.now() - 20 * DAY_MS);
    vi.advanceTimersByTime(1);
    expect(passed).toBe(1);
  });

  it('passes at once when it is set in the past while somebody waits', () => {
    deadline.watch();
    deadline.set(0);
    expect(passed).toBe(1);
  });

  it('can be moved both ways', () => {
    deadline.set(Date.now() + 100);
    deadline.watch();
    deadline.set(Date.now() + 500);
    vi.advanceTimersByTime(499);
    expect(passed).toBe(0);
    deadline.set(Date.now() + 1000);
    deadline.set(Date.now() + 20);
    vi.advanceTimersByTime(20);
    expect(passed).toBe(1);
  });

  it('can be cleared', () => {
    deadline.set(Date.now() + 100);
    deadline.watch();
    deadline.set(null);
    vi.advanceTimersByTime(DAY_MS);
    expect([passed, deadline.passed]).toEqual([0, false]);
  });

  it('has no timer until somebody waits, and none that holds the process when nobody does', () => {
    deadline.set(Date.now() + 100);
    expect(vi.getTimerCount()).toBe(0);
    deadline.watch();
    expect(vi.getTimerCount()).toBe(1);
    deadline.unwatch();
    vi.advanceTimersByTime(200);
    expect(passed).toBe(0);
    deadline.dispose();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('takes no new timer to be moved further on', () => {
    const set = vi.spyOn(globalThis, 'setTimeout');
    deadline.set(Date.now() + 1000);
    deadline.watch();
    for (let i = 0; i < 100; i++) {
      deadline.unwatch();
      deadline.set(Date.now() + 1000 + i);
      deadline.watch();
    }
    expect(set).toHaveBeenCalledTimes(1);
    set.mockRestore();
  });

  it.each([
    [NaN, 'ERR_INVALID_ARG_VALUE'],
    [Infinity, 'ERR_INVALID_ARG_VALUE'],
    [-Infinity, 'ERR_INVALID_ARG_VALUE'],
    [new Date(NaN), 'ERR_INVALID_ARG_VALUE'],
    ['2030-01-01', 'ERR_INVALID_ARG_TYPE'],
    [undefined, 'ERR_INVALID_ARG_TYPE'],
    [5n, 'ERR_INVALID_ARG_TYPE'],
  ])('is not %s', (at, code) => {
    expect(() => deadline.set(at as number)).toThrow(expect.objectContaining({ code }));
  });
});

describe('the timer of a deadline', () => {
  it("holds the process only while somebody waits, and not when it is unref'd", () => {
    const timers: NodeJS.Timeout[] = [];
    const real = globalThis.setTimeout;
    const spy = vi.spyOn(globalThis, 'setTimeout').mockImplementation((...args: Parameters<typeof real>) => {
      const timer = real(...args);
      timers.push(timer);
      return timer;
    });
    const deadline = new Deadline(() => {}, globalTimers);
    deadline.set(Date.now() + DAY_MS);
    const states: (boolean | undefined)[] = [];
    const note = (): void => void states.push(timers.at(-1)?.hasRef());
    deadline.watch();
    note();
    deadline.unwatch();
    note();
    deadline.watch();
    note();
    deadline.unref();
    note();
    deadline.unwatch();
    deadline.watch();
    note();
    deadline.ref();
    note();
    deadline.dispose();
    spy.mockRestore();
    expect(states).toEqual([true, false, true, false, false, true]);
  });
});
