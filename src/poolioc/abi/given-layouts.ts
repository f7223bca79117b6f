/**
 * Sizes and offsets of the layouts, as the library's own threads are given them. To load what makes layouts, ref-struct-di and
 * all that it loads, is a fifth of what it takes to start such a thread, and it makes no struct objects.
 */
import { workerData } from 'node:worker_threads';
import type { RefType } from './ref-types.js';
import type { StructLayout } from './structs.js';

/** The layouts by name, as data that can be given to a thread. */
type LayoutFacts = Readonly<
  Record<string, { size: number; alignment: number; fields: Record<string, { offset: number }> }>
>;

/** A name that no program's own workerData has. */
const KEY = 'layouts of pool-ts';

/** What goes with a thread's workerData. */
export function layoutsToGive(layouts: Readonly<Record<string, StructLayout<Record<string, RefType>>>>): {
  [KEY]: LayoutFacts;
} {
  const facts = Object.entries(layouts).map(([name, { size, alignment, fields }]) => {
    const offsets = Object.entries(fields).map(([field, { offset }]) => [field, { offset }]);
    return [name, { size, alignment, fields: Object.fromEntries(offsets) as Record<string, { offset: number }> }];
  });
  return { [KEY]: Object.fromEntries(facts) as LayoutFacts };
}

/** In a thread that was given them: of each layout its size, its alignment and its fields' offsets. Else null. */
export function givenLayouts<Layouts>(): Layouts | null {
  const given: unknown = (workerData as Record<string, unknown> | null | undefined)?.[KEY];
  return given === undefined ? null : (given as Layouts);
}
