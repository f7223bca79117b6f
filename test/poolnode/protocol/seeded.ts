import { generator } from '../../generator.js';
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
  const next = generator(seed);
  const int = (below: number): number => Math.floor(next() * below);
  return { seed, int, bytes: (size) => Uint8Array.from({ length: size }, () => int(256)) };
}
