import { describe, expect, it } from 'vitest';
import { TokenBucket } from '../../src/base/token-bucket.js';

const S = 1_000_000_000n;
const taken = (bucket: TokenBucket, tries: number, now: bigint): number => {
  let count = 0;
  for (let i = 0; i < tries; i++) if (bucket.take(now)) count++;
  return count;
};

describe('TokenBucket', () => {
  it('gives its burst at once and its rate after that', () => {
    const bucket = new TokenBucket(20);
    expect(taken(bucket, 100, 0n)).toBe(20);
    expect(taken(bucket, 100, S / 20n - 1n)).toBe(0);
    expect(taken(bucket, 100, S / 20n)).toBe(1);
    expect(taken(bucket, 100, S)).toBe(19);
  });

  it('saves no more than its burst', () => {
    const bucket = new TokenBucket(20, 30);
    expect(taken(bucket, 100, 3_600n * S)).toBe(30);
  });
});
