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
  const bytes = (size: number): Uint8Array => {
    const all = new Uint8Array(size);
    // Four of a draw: there are tests that ask for fifty million.
    for (let at = 0; at < size; )
      for (let four = int(2 ** 32), i = 0; i < 4 && at < size; i++, four >>>= 8) all[at++] = four;
    return all;
  };
  return { seed, int, bytes };
}
