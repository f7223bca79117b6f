import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DeadlineTimer } from '../../../src/poolnode/session/deadline-timer.js';
import { globalTimers } from '../../global-timers.js';

const MS = 1_000_000n;

describe('DeadlineTimer', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function setup() {
    const fired: bigint[] = [];
    const clock = (): bigint => BigInt(Date.now()) * MS;
    const timer = new DeadlineTimer(clock, (now) => fired.push(now), globalTimers);
    return { timer, fired, start: clock(), clock };
  }

  it('fires once, at the deadline', () => {
    const { timer, fired, start } = setup();
    timer.within(start + 100n * MS);
    vi.advanceTimersByTime(99);
    expect(fired).toEqual([]);
    vi.advanceTimersByTime(1000);
    expect(fired).toEqual([start + 100n * MS]);
  });

  it('is left alone by a later deadline and moved by an earlier one', () => {
    const { timer, fired, start } = setup();
    timer.within(start + 100n * MS);
    timer.within(start + 500n * MS);
    timer.within(start + 50n * MS);
    timer.within(null);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(1000);
    expect(fired).toEqual([start + 50n * MS]);
  });

  it('can be armed again after it fired, and from within', () => {
    const { fired, start, clock } = setup();
    const again = new DeadlineTimer(
      clock,
      (now) => {
        fired.push(now);
        if (fired.length === 1) again.within(now + 10n * MS);
      },
      globalTimers,
    );
    again.within(start + 10n * MS);
    vi.advanceTimersByTime(1000);
    expect(fired).toEqual([start + 10n * MS, start + 20n * MS]);
  });

  it('fires soon for a deadline that has passed', () => {
    const { timer, fired, start } = setup();
    timer.within(start - 5n * MS);
    vi.advanceTimersByTime(1);
    expect(fired.length).toBe(1);
  });

  it('does not fire once stopped', () => {
    const { timer, fired, start } = setup();
    timer.within(start + 10n * MS);
    timer.stop();
    vi.advanceTimersByTime(1000);
    expect(fired).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('DeadlineTimer and the process', () => {
  it.each([true, false])('holds it or not as asked, armed before or after (%s)', (keepsAlive) => {
    const resources = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const clock = (): bigint => process.hrtime.bigint();
    const before = resources();
    const early = new DeadlineTimer(clock, () => {});
    const late = new DeadlineTimer(clock, () => {});
    early.within(clock() + 10_000n * MS);
    early.reference(keepsAlive);
    late.reference(keepsAlive);
    late.within(clock() + 10_000n * MS);
    expect(resources() - before).toBe(keepsAlive ? 2 : 0);
    early.stop();
    late.stop();
    expect(resources()).toBe(before);
  });
});
