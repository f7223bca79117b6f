import { testSeed } from '../../random.js';

/** Random numbers that a printed seed brings back (mulberry32). POOL_TEST_SEED replays a run. */
export interface Seeded {
  readonly seed: number;
  /** 0 <= n < below. */
  int(below: number): number;
  bytes(size: number): Uint8Array;
}

export function seeded(name: string): Seeded {
  const seed = testSeed(name);
  let state = seed;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (below: number): number => Math.floor(next() * below);
  return { seed, int, bytes: (size) => Uint8Array.from({ length: size }, () => int(256)) };
}
