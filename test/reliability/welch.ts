/** Whether two kinds of a thing take the same time: Welch's t-test, as the TVLA methodology of side channels has it. */

/** Below that the two are taken for the same; by chance alone it is passed once in 150,000 times. */
export const SAME_BELOW = 4.5;

export interface Compared {
  /** Welch's t: positive where the first takes longer. */
  readonly t: number;
  /** ns on average. */
  readonly means: readonly [first: number, second: number];
}

/** What is left without the slowest tenth of all: what interrupts a process is no answer of its. */
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
  return compared(times[0], times[1]);
}

/**
 * Of both the same limit cuts off what is slow, as dudect does it (Reparaz, Balasch and Verbauwhede, "Dude, is my code constant
 * time?"): cut each at its own tenth, their spreads come out too small, and t too large by half and more on a busy machine.
 */
export function compared(first: readonly number[], second: readonly number[]): Compared {
  const all = [...first, ...second].sort((x, y) => x - y);
  const limit = all[Math.ceil(all.length * STEADY) - 1]!;
  const [a, b] = [first, second].map((times) => moments(times.filter((time) => time <= limit))) as [Moments, Moments];
  return { t: (a.mean - b.mean) / Math.sqrt(a.spread + b.spread), means: [a.mean, b.mean] };
}

interface Moments {
  readonly mean: number;
  /** Variance of the mean. */
  readonly spread: number;
}

function moments(times: readonly number[]): Moments {
  const mean = times.reduce((sum, one) => sum + one, 0) / times.length;
  const variance = times.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (times.length - 1);
  return { mean, spread: variance / times.length };
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
