import { describe, expect, it } from 'vitest';
import { Latencies } from '../../../src/cli/bench/latencies.js';

describe('latencies', () => {
  it('are null where there is none', () => {
    const none = new Latencies();
    expect([none.mean, none.percentile(50), none.count]).toEqual([null, null, 0]);
  });

  it('have percentiles within 1 % of the truth, and exact ends', () => {
    const latencies = new Latencies();
    const values = Array.from({ length: 10_000 }, (_, at) => 20_000 + ((at * 7919) % 10_000) * 137);
    for (const value of values) latencies.add(value);
    const ordered = values.toSorted((a, b) => a - b);
    for (const percent of [1, 50, 90, 99, 99.9]) {
      const truth = ordered[Math.ceil((percent / 100) * ordered.length) - 1]! / 1000;
      expect(Math.abs(latencies.percentile(percent)! - truth) / truth).toBeLessThan(0.01);
    }
    expect(latencies.percentile(0)).toBe(ordered[0]! / 1000);
    expect(latencies.percentile(100)).toBe(ordered.at(-1)! / 1000);
    expect(latencies.mean).toBeCloseTo(values.reduce((sum, value) => sum + value) / values.length / 1000);
  });

  it('of a single value are that value', () => {
    const one = new Latencies();
    one.add(123_456);
    for (const percent of [0, 50, 99, 100]) expect(one.percentile(percent)).toBe(123.456);
  });
});
