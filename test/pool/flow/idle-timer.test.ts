import { afterEach, expect, it, vi } from 'vitest';
import { IdleTimer } from '../../../src/pool/flow/idle-timer.js';
import { globalTimers } from '../../global-timers.js';

afterEach(() => {
  vi.useRealTimers();
});

it('calls once nothing was touched for as long as the timeout', () => {
  vi.useFakeTimers();
  const idle = vi.fn(() => true);
  const timer = new IdleTimer(100, idle, globalTimers);
  vi.advanceTimersByTime(99);
  timer.touch();
  vi.advanceTimersByTime(99);
  expect(idle).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(idle).toHaveBeenCalledOnce();
});

it('asks again after as long when it is put off, and never once it is stopped', () => {
  vi.useFakeTimers();
  const idle = vi.fn(() => false);
  const timer = new IdleTimer(100, idle, globalTimers);
  vi.advanceTimersByTime(200);
  expect(idle).toHaveBeenCalledTimes(2);
  timer.stop();
  timer.touch();
  vi.advanceTimersByTime(1000);
  expect(idle).toHaveBeenCalledTimes(2);
});

// Node's timers fire after 1 ms when they are given a longer delay than that.
it.each([2 ** 31, 1e12, Number.MAX_SAFE_INTEGER])('a timeout of %d ms fires no sooner than a timer can', (timeout) => {
  const setTimeout = vi.spyOn(globalThis, 'setTimeout');
  const timer = new IdleTimer(timeout, () => true, globalTimers);
  expect(setTimeout.mock.calls[0]?.[1]).toBe(2 ** 31 - 1);
  timer.stop();
  setTimeout.mockRestore();
});

it('needs no timer for never', () => {
  const setTimeout = vi.spyOn(globalThis, 'setTimeout');
  new IdleTimer(0, () => true, globalTimers).touch();
  expect(setTimeout).not.toHaveBeenCalled();
  setTimeout.mockRestore();
});
