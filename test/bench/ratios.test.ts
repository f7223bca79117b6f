import { describe, expect, it } from 'vitest';
import type { Row } from '../../bench/case.js';
import { committedRatios, drop, isWorse, key, ratiosOf } from '../../bench/ratios.js';

const row = (work: string, ratio: number, better: Row['better'] = 'above', goal = 1): Row => ({
  work,
  against: 'tls',
  ours: ratio,
  theirs: 1,
  unit: 'messages/s',
  ratio,
  goal,
  better,
});

describe('the ratios of the benchmark', () => {
  it('are the medians of several runs, by row', () => {
    const runs = [[row('bulk', 0.5), row('dial', 0.9)], [row('bulk', 0.7), row('dial', 0.8)], [row('bulk', 0.6)]];
    expect(ratiosOf(runs.map((rows) => ({ rows })))).toEqual({ 'bulk / tls': 0.6, 'dial / tls': 0.85 });
  });

  it('say by how much a row is worse, in its own direction', () => {
    expect(drop(row('bulk', 0.4), 0.5)).toBeCloseTo(0.2);
    expect(drop(row('bulk', 0.6), 0.5)).toBeCloseTo(-0.2);
    expect(drop(row('trip', 1.8, 'below'), 1.5)).toBeCloseTo(0.2);
  });

  it('count a drop of more than a fifth, and none of a row that they do not have', () => {
    const committed = { 'bulk / tls': 0.5, 'trip / tls': 1.5 };
    expect(isWorse(row('bulk', 0.41), committed)).toBe(false);
    expect(isWorse(row('bulk', 0.39), committed)).toBe(true);
    expect(isWorse(row('trip', 1.79, 'below'), committed)).toBe(false);
    expect(isWorse(row('trip', 1.81, 'below'), committed)).toBe(true);
    expect(isWorse(row('other', 0.01), committed)).toBe(false);
  });

  it('do not compare what is far better than its goal', () => {
    const committed = { 'memory / tls': 0 };
    expect(isWorse(row('memory', 0.5, 'below'), committed)).toBe(false);
    expect(isWorse(row('memory', 0.7, 'below'), committed)).toBe(true);
  });

  it('are committed as numbers by the names of rows', () => {
    for (const [name, ratio] of Object.entries(committedRatios())) {
      expect(name).toMatch(/^.+ \/ .+$/);
      expect(ratio).toBeGreaterThanOrEqual(0);
    }
    expect(key(row('bulk', 1))).toBe('bulk / tls');
  });
});
