import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { GOOD_BEHAVIOUR, MODULE_DIFFERENCES, MODULE_BEHAVIOUR } from '../../src/testing/module-differences.js';

const page = readFileSync(new URL('../../docs/kernel-contract.md', import.meta.url), 'utf8');

it('the documentation has the same differences, row by row, and no other', () => {
  const rows = page.split('\n').filter((line) => /^\| \([a-z]\) \|/.test(line));
  const expected = Object.values(MODULE_DIFFERENCES).map(
    ({ letter, subject, served, module }) => `| (${letter}) | ${subject} | ${served} | ${module} |`,
  );
  expect(rows).toEqual(expected);
});

it('every difference is one', () => {
  for (const key of Object.keys(MODULE_DIFFERENCES) as (keyof typeof GOOD_BEHAVIOUR)[]) {
    expect(GOOD_BEHAVIOUR[key]).not.toBe(MODULE_BEHAVIOUR[key]);
  }
  expect(Object.keys(GOOD_BEHAVIOUR)).toEqual(Object.keys(MODULE_DIFFERENCES));
});
