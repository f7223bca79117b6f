import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../programs/run.js';
import { anchorsOf, documents, linksOf } from './markdown.js';

const files = documents();

test('finds the documentation', () => {
  expect(files).toEqual(expect.arrayContaining(['README.md', 'docs/README.md', 'CONTRIBUTING.md', 'SECURITY.md']));
  expect(files.filter((file) => file.startsWith('docs/guide/')).length).toBeGreaterThan(8);
});

test.each(files)('%s links to nothing that is missing', (file) => {
  const broken = linksOf(file).filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? file : normalize(join(dirname(file), path));
    if (!existsSync(join(ROOT, target))) return true;
    return anchor !== undefined && !anchorsOf(target).includes(anchor);
  });
  expect(broken).toEqual([]);
});

test('the index names every page of docs', () => {
  const named = linksOf('docs/README.md').map((link) => normalize(join('docs', link.split('#')[0] ?? '')));
  expect(files.filter((file) => file.startsWith('docs/') && !named.includes(file))).toEqual(['docs/README.md']);
});
