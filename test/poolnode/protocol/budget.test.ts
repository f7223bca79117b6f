import { describe, expect, it } from 'vitest';
import { Budget } from '../../../src/poolnode/protocol/budget.js';

const S = 1_000_000_000n;
const taken = (budget: Budget, tries: number, now: bigint): number => {
  let count = 0;
  for (let i = 0; i < tries; i++) if (budget.take(now)) count++;
  return count;
};

describe('Budget', () => {
  it('gives its burst at once and its rate after that', () => {
    const budget = new Budget(20, 0n);
    expect(taken(budget, 100, 0n)).toBe(20);
    expect(taken(budget, 100, S / 20n - 1n)).toBe(0);
    expect(taken(budget, 100, S / 20n)).toBe(1);
    expect(taken(budget, 100, S)).toBe(19);
  });

  it('saves no more than its burst', () => {
    const budget = new Budget(20, 0n, 30);
    expect(taken(budget, 100, 3_600n * S)).toBe(30);
  });
});
