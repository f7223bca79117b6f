/** docs/reliability.md and the plan say the same, and every row is counted by the test that the plan names. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../programs/run.js';
import { PLAN, type Row } from '../reliability/plan.js';

const page = readFileSync(join(ROOT, 'docs/reliability.md'), 'utf8');
const rows = Object.entries(PLAN) as [string, Row][];
const number = (value: number): string => value.toLocaleString('en-US');

describe('the table of promises', () => {
  it('has every row of the plan, with its figures, and no other', () => {
    const told = [...page.matchAll(/^\| ([A-Z]\d) \|.*$/gm)].map(([line]) => line);
    expect(told).toEqual(
      rows.map(
        ([id, { promise, unit, usual, quick, full }]) =>
          `| ${[id, promise, unit, ...[usual, quick, full].map(number)].join(' | ')} |`,
      ),
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
