/**
 * How often a promise is tried. In `npm test` each test does as much as fits there; `npm run reliability`, `fuzz` and
 * `faults` (run.ts) ask the same tests for more, by row of plan.ts, and read what was reached.
 */
import { appendFileSync } from 'node:fs';
import { threadId } from 'node:worker_threads';
import { PLAN, type RowId } from './plan.js';

/** Where the runner wants the figures: a file of lines. */
export const FIGURES_FILE = 'POOL_TEST_FIGURES';
/** What it wants, as JSON: row to count. */
export const WANTED = 'POOL_TEST_WANTED';

const wanted = JSON.parse(process.env[WANTED] ?? '{}') as Partial<Record<RowId, number>>;

/** How many tries a test is to make: the row's usual number, unless the runner asked for another. */
export function tries(row: RowId): number {
  return wanted[row] ?? PLAN[row].usual;
}

/** ms for a test of this row: `usual`, grown with what is wanted. */
export function timeout(row: RowId, usual = 60_000): number {
  return Math.max(usual, Math.ceil((usual * tries(row)) / PLAN[row].usual));
}

/** Notes that a row was tried so often, each try as promised: called after the last of them has passed. */
export function reached(row: RowId, count: number): void {
  const file = process.env[FIGURES_FILE];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ row, count, pid: process.pid, threadId })}\n`);
}
