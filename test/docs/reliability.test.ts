/** docs/reliability.md and the plan say the same, and every row is counted by the test that the plan names. */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../programs/run.js';
import { PLAN, type Row } from '../reliability/plan.js';

const page = readFileSync(join(ROOT, 'docs/reliability.md'), 'utf8');
const rows = Object.entries(PLAN) as [string, Row][];
const number = (value: number): string => value.toLocaleString('en-US');

/** Cells of the lines of a table whose first cell is a row's name, and that have so many. */
const table = (cells: number): string[][] =>
  [...page.matchAll(/^\| ([A-Z]\d) \|.*$/gm)]
    .map(([line]) => line.slice(2, -1).split(' | '))
    .filter(({ length }) => length === cells);

describe('the table of promises', () => {
  it('has every row of the plan, with its figures and its test, and no other', () => {
    expect(table(7).map((cells) => cells.map((cell) => cell.trim()))).toEqual(
      rows.map(([id, { promise, unit, usual, quick, full, file }]) => [
        ...[id, promise, unit, ...[usual, quick, full].map(number)],
        `[${basename(file, '.test.ts')}](../${file})`,
      ]),
    );
  });

  it.each(rows)('%s is tried and counted by the test that it names', (id, { file, usual, quick, full }) => {
    const source = readFileSync(join(ROOT, file), 'utf8');
    expect(source).toContain(`tries('${id}')`);
    expect(source).toContain(`reached('${id}'`);
    expect(usual).toBeLessThanOrEqual(quick);
    expect(quick).toBeLessThanOrEqual(full);
  });
});

describe('the table of what was reached', () => {
  it('has every row of the plan, and figures that are no less than asked for', () => {
    const reached = table(5).map((cells) => cells.map((cell) => cell.trim()));
    expect(reached.map(([id]) => id)).toEqual(rows.map(([id]) => id));
    for (const [at, [id, { quick, full }]] of rows.entries()) {
      const [, ...cells] = reached[at]!;
      for (const [figure, day, wanted] of [
        [cells[0], cells[1], quick],
        [cells[2], cells[3], full],
      ] as const) {
        if (figure === 'not run') continue;
        expect(Number(figure!.replaceAll(',', '')), id).toBeGreaterThanOrEqual(wanted);
        expect(day, id).toMatch(/^\d{4}-\d{2}-\d{2}$/);
      }
    }
  });
});
