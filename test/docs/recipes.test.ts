/** A recipe is short: where one needs more than this, the library lacks something. */
import { expect, test } from 'vitest';
import { blocksOf } from './markdown.js';

const MOST_LINES = 20;
const recipes = blocksOf('docs/guide/recipes.md').filter(({ language }) => language === 'ts');

test('finds the recipes', () => {
  expect(recipes.length).toBeGreaterThan(6);
});

test.each(recipes)('$key has at most 20 lines of code', ({ code }) => {
  const lines = code.split('\n').filter((line) => line.trim() !== '' && !line.trim().startsWith('//'));
  expect(lines.length, code).toBeLessThanOrEqual(MOST_LINES);
});
