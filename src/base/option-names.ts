/** Names of options: one that nobody reads is a mistake, and is told before anything happens. */
import { PoolError } from './errors.js';

/** Edits, as letters added, dropped, changed or swapped, up to which a name is taken for another. */
const NEAR = 2;

/**
 * Refuses an option that isn't there. Only the object's own, enumerable properties count, and undefined is as good as
 * absent.
 * @throws PoolError ERR_INVALID_ARG_VALUE, which names it, and the nearest there is
 */
export function refuseUnknown(options: object, known: Iterable<string>): void {
  const names = new Set(known);
  for (const name of Object.keys(options)) {
    // What JSON.parse makes of a hostile text; and what is read once is not read again.
    if (names.has(name) || name === '__proto__' || Reflect.get(options, name) === undefined) continue;
    const near = nearest(name, names);
    const hint = near === null ? `there are ${[...names].sort().join(', ')}` : `did you mean ${near}?`;
    throw new PoolError('ERR_INVALID_ARG_VALUE', `there is no option ${JSON.stringify(name.slice(0, 60))}: ${hint}`);
  }
}

/** The names of a type's properties, each of which it asks for: what is added to the type can't be left out here. */
export function namesOf<T extends object>(all: Readonly<Record<keyof T, true>>): readonly string[] {
  return Object.keys(all);
}

/** Of `names` the one that `name` was probably meant to be; null where none is near. */
export function nearest(name: string, names: Iterable<string>): string | null {
  let [best, least]: [string | null, number] = [null, NEAR + 1];
  for (const one of names) {
    // Of a short name, two edits would leave nothing.
    const edits = distance(name.toLowerCase(), one.toLowerCase());
    if (edits < least && edits < one.length / 2) [best, least] = [one, edits];
  }
  return best;
}

/** Damerau's distance, in which two neighbours that changed places are one edit (the restricted one). */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > NEAR) return Infinity;
  let [before, row]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, i) => i)];
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let edits = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) edits = Math.min(edits, before[j - 2]! + 1);
      next.push(edits);
    }
    [before, row] = [row, next];
  }
  return row[b.length]!;
}
