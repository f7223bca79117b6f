/** The parameters of a property test whose seed is printed; POOL_TEST_SEED replays it. */
export function fcSeed(name: string, numRuns: number): { seed: number; numRuns: number } {
  const seed = Number(process.env['POOL_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  console.info(`${name}: POOL_TEST_SEED=${seed}`);
  return { seed, numRuns };
}
