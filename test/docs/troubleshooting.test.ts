/** The page on errors names every code that pool-ts gives, and every warning. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { POOL_ERROR_CODES } from '../../src/base/errors.js';
import { ROOT } from '../programs/run.js';
import { textOf } from './markdown.js';

const page = textOf('docs/guide/troubleshooting.md');
const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(join(ROOT, 'src', name), 'utf8'))
  .join('\n');

test.each(POOL_ERROR_CODES)('%s has a section of its own', (code) => {
  expect(page).toMatch(new RegExp(`^### ${code}$`, 'm'));
});

test('every warning has its line', () => {
  const codes = new Set([...sources.matchAll(/(?:^\s+|code: |warn\()'(POOL_[A-Z_]+)'/gm)].map(([, code = '']) => code));
  expect(codes.size).toBeGreaterThan(5);
  expect([...codes].filter((code) => !page.includes(`| \`${code}\` |`))).toEqual([]);
});
