import { testSeed } from '../random.js';

/** The parameters of a property test whose seed is printed; POOL_TEST_SEED replays it. */
export function fcSeed(name: string, numRuns: number): { seed: number; numRuns: number } {
  return { seed: testSeed(name), numRuns };
}
