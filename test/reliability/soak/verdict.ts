/** What a process holds at rest, and whether it held more and more of it. */

/** A process between two rounds: no connection is open, all garbage is collected. */
export interface Sample {
  /** How long it ran. */
  readonly minutes: number;
  /** Bytes. */
  readonly heap: number;
  readonly descriptors: number;
  readonly threads: number;
  /** Sessions that the process knows. */
  readonly sessions: number;
}

/** Bytes: how much two readings of the same state differ, and what an hour may add. */
const HEAP_NOISE = 256 * 1024;
const HEAP_AN_HOUR = 1024 * 1024;

/** Before that V8 still compiles and optimizes what runs seldom, and the heap says nothing. */
const HEAP_FROM_MINUTES = 10;

/** What grew, in words; none where nothing did. */
export function grown(name: string, samples: readonly Sample[]): string[] {
  const [first] = samples;
  if (first === undefined) return [`the ${name} was never at rest`];
  const found: string[] = [];
  for (const sample of samples) {
    const at = `after ${sample.minutes.toFixed(1)} min`;
    for (const key of ['descriptors', 'threads'] as const) {
      if (sample[key] > first[key]) found.push(`the ${name} ${at}: ${sample[key]} ${key}, ${first[key]} at first`);
    }
    if (sample.sessions > 0) found.push(`the ${name} ${at}: ${sample.sessions} sessions, and nobody to talk to`);
  }
  const warm = samples.filter(({ minutes }) => minutes >= HEAP_FROM_MINUTES);
  if (warm.length < 2) return found;
  const minutes = warm.at(-1)!.minutes - warm[0]!.minutes;
  const growth = slope(warm.map((sample) => [sample.minutes, sample.heap])) * minutes;
  if (growth > HEAP_NOISE + (HEAP_AN_HOUR * minutes) / 60) {
    found.push(`the ${name}: its heap grew by ${(growth / 1024).toFixed(0)} KiB in ${minutes.toFixed(0)} min`);
  }
  return found;
}

/** Of the line of least squares. */
function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (at: 0 | 1): number => points.reduce((sum, point) => sum + point[at], 0) / points.length;
  const [middle, height] = [mean(0), mean(1)];
  const above = points.reduce((sum, [x, y]) => sum + (x - middle) * (y - height), 0);
  const below = points.reduce((sum, [x]) => sum + (x - middle) ** 2, 0);
  return below === 0 ? 0 : above / below;
}
