/**
 * How often a promise is tried. In `npm test` each test does as much as fits there; `npm run reliability`, `fuzz` and
 * `faults` (run.ts) ask the same tests for more, by row of plan.ts, and read what was reached.
 */
import { appendFileSync } from 'node:fs';
import { PLAN, type RowId } from './plan.js';

/** Where the runner wants the figures: a file of lines. */
export const FIGURES_FILE = 'POOL_TEST_FIGURES';
/** What it wants, as JSON: row to count. */
export const WANTED = 'POOL_TEST_WANTED';

/** A line of that file. */
export interface Reached {
  readonly row: RowId;
  readonly count: number;
  /** How long these tries took. */
  readonly ms: number;
}

const wanted = JSON.parse(process.env[WANTED] ?? '{}') as Partial<Record<RowId, number>>;
/** When a test of a row first asked how often; null where none is at it. */
let begun: number | null = null;

function figure(row: RowId): number {
  return wanted[row] ?? PLAN[row].usual;
}

/** How many tries a test is to make: the row's usual number, unless the runner asked for another. */
export function tries(row: RowId): number {
  begun ??= performance.now();
  return figure(row);
}

/** ms for a test of this row: `usual`, grown with what is wanted. */
export function timeout(row: RowId, usual = 60_000): number {
  return Math.max(usual, Math.ceil((usual * figure(row)) / PLAN[row].usual));
}

/** Notes that a row was tried so often, each try as promised: called after the last of them has passed. */
export function reached(row: RowId, count: number): void {
  const now = performance.now();
  const line: Reached = { row, count, ms: now - (begun ?? now) };
  begun = null;
  const file = process.env[FIGURES_FILE];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(line)}\n`);
}
