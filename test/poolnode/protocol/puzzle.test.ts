import { describe, expect, it } from 'vitest';
import { nodeCrypto } from '../../../src/poolnode/crypto/node-crypto.js';
import { PuzzleSolver, solves, startsWithZeroBits } from '../../../src/poolnode/protocol/puzzle.js';

const crypto = nodeCrypto();
const seed = new Uint8Array(32).fill(3);

describe('startsWithZeroBits', () => {
  it.each<[digest: number[], bits: number, answer: boolean]>([
    [[0xff, 0xff], 0, true],
    [[0x7f, 0xff], 1, true],
    [[0x80, 0x00], 1, false],
    [[0x00, 0xff], 8, true],
    [[0x01, 0x00], 8, false],
    [[0x00, 0x10], 11, true],
    [[0x00, 0x10], 12, false],
    [[0x00, 0x00], 16, true],
    [[0x00, 0x00], 17, false],
  ])('%j with %i bits: %s', (digest, bits, answer) => {
    expect(startsWithZeroBits(Uint8Array.from(digest), bits)).toBe(answer);
  });
});

describe('PuzzleSolver', () => {
  it('finds the first counter that solves, little-endian in 8 of 32 bytes', () => {
    const solution = new PuzzleSolver(crypto, seed, 8).step(100_000)!;
    expect(solution.length).toBe(32);
    expect(solution.subarray(8)).toEqual(new Uint8Array(24));
    expect(solves(crypto, seed, 8, solution)).toBe(true);
    const found = new DataView(solution.buffer).getUint32(0, true);
    const smaller = new Uint8Array(32);
    for (let counter = 0; counter < found; counter++) {
      new DataView(smaller.buffer).setUint32(0, counter, true);
      expect(solves(crypto, seed, 8, smaller)).toBe(false);
    }
  });

  it('goes on where it stopped, and hashes no more than it may in a step', () => {
    let hashes = 0;
    const counting = { ...crypto, sha256: (...pieces: Uint8Array[]) => (hashes++, crypto.sha256(...pieces)) };
    const expected = new PuzzleSolver(crypto, seed, 12).step(1_000_000);
    const solver = new PuzzleSolver(counting, seed, 12);
    let solution: Uint8Array | null = null;
    for (let steps = 1; solution === null; steps++) {
      solution = solver.step(16);
      expect(hashes).toBeLessThanOrEqual(steps * 16);
    }
    expect(solution).toEqual(expected);
  });

  it('needs one try at difficulty 0', () => {
    expect(new PuzzleSolver(crypto, seed, 0).step(1)).toEqual(new Uint8Array(32));
  });

  it.each([21, 256, 65_535])('refuses difficulty %i', (difficulty) => {
    expect(() => new PuzzleSolver(crypto, seed, difficulty)).toThrowError(
      expect.objectContaining({ code: 'ERR_POOL_PROTOCOL' }),
    );
    expect(() => new PuzzleSolver(crypto, seed, 20)).not.toThrow();
  });

  it('gives up on a puzzle that nothing solves', () => {
    const solver = new PuzzleSolver({ ...crypto, sha256: () => new Uint8Array(32).fill(255) }, seed, 2);
    expect(() => solver.step(10_000)).toThrowError(/no solution/);
  });
});
