/** The ratios that are committed, of runs on a machine that does nothing else, and how a run is compared with them. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Row } from './case.js';
import { median } from './pair.js';

const RATIOS = new URL('./ratios.json', import.meta.url);
/** A drop that counts: a fifth. */
const TOLERATED = 0.2;

/** What `--json` keeps of a run. */
export interface Report {
  node: string;
  machine: string;
  cryptography: string;
  rounds: number;
  seconds: number;
  rows: Row[];
}

export type Ratios = Record<string, number>;

/** By what a row is known in ratios.json. */
export const key = ({ work, against }: Pick<Row, 'work' | 'against'>): string => `${work} / ${against}`;

/** How much worse the ratio is than the committed one: 0.2 is a fifth. */
export function drop({ ratio, better, goal }: Pick<Row, 'ratio' | 'better' | 'goal'>, committed: number): number {
  // Below half of what is allowed figures are too small to compare: of memory that was given back there may be none.
  return better === 'above' ? 1 - ratio / committed : ratio / Math.max(committed, goal / 2) - 1;
}

/** Whether a row is worse than what is committed by so much that it counts. What isn't committed is never worse. */
export function isWorse(row: Row, committed: Ratios): boolean {
  const before = committed[key(row)];
  return before !== undefined && drop(row, before) > TOLERATED;
}

/** The median of each ratio over several runs. */
export function ratiosOf(runs: readonly Pick<Report, 'rows'>[]): Ratios {
  const all: Record<string, number[]> = {};
  for (const row of runs.flatMap(({ rows }) => rows)) (all[key(row)] ??= []).push(row.ratio);
  return Object.fromEntries(Object.entries(all).map(([name, ratios]) => [name, Number(median(ratios).toFixed(2))]));
}

export function committedRatios(): Ratios {
  return JSON.parse(readFileSync(RATIOS, 'utf8')) as Ratios;
}

/** Writes what these runs gave over what is committed; rows that they don't have stay. */
export function updateRatios(runs: readonly Pick<Report, 'rows'>[]): void {
  writeFileSync(RATIOS, `${JSON.stringify({ ...committedRatios(), ...ratiosOf(runs) }, null, 2)}\n`);
}
