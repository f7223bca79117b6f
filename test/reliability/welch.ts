/** Whether two kinds of a thing take the same time: Welch's t-test, as the TVLA methodology of side channels has it. */

/** Below that the two are taken for the same; by chance alone it is passed once in 150,000 times. */
export const SAME_BELOW = 4.5;

export interface Compared {
  /** Welch's t: positive where the first takes longer. */
  readonly t: number;
  /** ns on average. */
  readonly means: readonly [first: number, second: number];
}

/** What is left without the slowest tenth: what interrupts a process is no answer of its. */
const STEADY = 0.9;

/**
 * Measures `count` of each, in an order that `random` (in [0, 1)) draws, so that nothing that comes in turns counts for one of them.
 * @param measure ns that one of that kind takes; null where it does not count
 */
export function compareTimes(count: number, random: () => number, measure: (which: 0 | 1) => number | null): Compared {
  const times: [number[], number[]] = [[], []];
  while (times[0].length < count || times[1].length < count) {
    const which = random() < 0.5 ? 0 : 1;
    const time = measure(which);
    if (time !== null) times[which].push(time);
  }
  const [a, b] = [moments(times[0]), moments(times[1])];
  return { t: (a.mean - b.mean) / Math.sqrt(a.spread + b.spread), means: [a.mean, b.mean] };
}

function moments(times: number[]): { mean: number; spread: number } {
  const steady = times.sort((x, y) => x - y).slice(0, Math.ceil(times.length * STEADY));
  const mean = steady.reduce((sum, one) => sum + one, 0) / steady.length;
  const variance = steady.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (steady.length - 1);
  return { mean, spread: variance / steady.length };
}

/** ns that `action` takes, which has to throw. */
export function refusalTime(action: () => unknown): number {
  const begun = process.hrtime.bigint();
  try {
    action();
  } catch {
    return Number(process.hrtime.bigint() - begun);
  }
  throw new Error('it was not refused');
}
