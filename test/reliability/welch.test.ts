/** The comparison of times sees what differs, and on a busy machine no more than that. */
import { describe, expect, it } from 'vitest';
import { seeded } from '../poolnode/protocol/seeded.js';
import { compared, SAME_BELOW } from './welch.js';

describe('times of a busy machine', () => {
  const random = seeded('times of a busy machine');
  const uniform = (): number => (1 + random.int(2 ** 32)) / 2 ** 32;
  const waiting = (mean: number): number => -Math.log(uniform()) * mean;
  /** About 230 µs; one in four is interrupted for a while, one in ten for long. */
  const time = (more = 0): number =>
    230 +
    more +
    8 * (uniform() + uniform() + uniform() - 1.5) +
    (random.int(4) === 0 ? waiting(150) : 0) +
    (random.int(10) === 0 ? waiting(3_000) : 0);
  const times = (count: number, more = 0): number[] => Array.from({ length: count }, () => time(more));

  it('that are of one kind give a t of the normal distribution', () => {
    const ts = Array.from({ length: 300 }, () => compared(times(300), times(300)).t);
    // Of a variance that is 1 the estimate from 300 is off by 0.4 once in a million runs.
    expect(ts.reduce((sum, t) => sum + t * t, 0) / ts.length).toBeLessThan(1.45);
    expect(Math.max(...ts.map(Math.abs))).toBeLessThan(6);
  });

  it('that differ by a tenth are told apart', () => {
    expect(compared(times(2_000, 23), times(2_000)).t).toBeGreaterThan(SAME_BELOW);
    expect(compared(times(2_000), times(2_000, 23)).t).toBeLessThan(-SAME_BELOW);
  });

  it('of which one kind is always slower are told apart where the limit goes through it', () => {
    expect(compared(times(200), times(200, 5_000)).t).toBeLessThan(-SAME_BELOW);
  });
});
