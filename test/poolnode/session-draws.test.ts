import { describe, expect, it } from 'vitest';
import {
  drawInitialSequence,
  drawTimestampOffset,
  SEQUENCE_RANGES,
  type Role,
} from '../../src/poolnode/session-draws.js';
import { randomBytes } from '../random.js';

/** Randomness that gives these 64-bit numbers, in order. */
function scripted(...numbers: bigint[]): (size: number) => Uint8Array {
  return (size) => {
    const bytes = Buffer.alloc(size);
    bytes.writeBigUInt64BE(numbers.shift()!);
    return bytes;
  };
}

describe('drawInitialSequence', () => {
  const roles: Role[] = ['client', 'server'];

  it.each(roles)('draws from the range of a %s', (role) => {
    const [from, below] = SEQUENCE_RANGES[role];
    for (let i = 0; i < 500; i++) {
      const drawn = drawInitialSequence(role, randomBytes);
      expect(drawn >= from && drawn < below).toBe(true);
    }
  });

  it.each([
    ['client', 0n, 2n ** 32n],
    ['client', 2n ** 32n - 1n, 2n ** 32n],
    ['client', 2n ** 32n, 2n ** 32n],
    ['client', 2n ** 62n - 1n, 2n ** 62n - 1n],
    ['client', 2n ** 64n - 1n, 2n ** 62n - 1n],
    ['server', 0n, 2n ** 62n],
    ['server', 2n ** 62n - 2n ** 40n - 1n, 2n ** 63n - 2n ** 40n - 1n],
    ['server', 2n ** 62n - 2n ** 40n, 2n ** 62n],
  ] as const)('a %s that draws %d starts at %d', (role, random, first) => {
    const again = role === 'client' ? 2n ** 32n : 0n;
    expect(drawInitialSequence(role, scripted(random, again))).toBe(first);
  });

  it('keeps 2^40 numbers above every server base below 2^63, and the two ranges apart', () => {
    expect(SEQUENCE_RANGES.server[1]).toBe(2n ** 63n - 2n ** 40n);
    expect(SEQUENCE_RANGES.client[1]).toBe(SEQUENCE_RANGES.server[0]);
  });
});

describe('drawTimestampOffset', () => {
  it('leaves room for any uptime in 64 bits', () => {
    expect(drawTimestampOffset(scripted(2n ** 64n - 1n))).toBe(2n ** 62n - 1n);
    expect(drawTimestampOffset(scripted(7n))).toBe(7n);
  });
});
