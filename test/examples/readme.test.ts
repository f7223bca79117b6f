import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../programs/run.js';

const FOLDER = join(ROOT, 'examples');
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.ts'));
const readme = readFileSync(join(FOLDER, 'README.md'), 'utf8');

test('the table of the examples lists exactly the files of the folder', () => {
  const listed = [...readme.matchAll(/^\| \[([\w-]+\.ts)\]\(([\w-]+\.ts)\) \|/gm)];
  for (const [, name, target] of listed) expect(name).toBe(target);
  expect(listed.map(([, name]) => name).sort()).toEqual(files.sort());
});

test.each(files)('%s has a line that says how to run it, opens with what it is, and has a test', (name) => {
  expect(readme).toContain(`npx tsx examples/${name}`);
  expect(readFileSync(join(FOLDER, name), 'utf8')).toMatch(/^\/\*\*/);
  expect(readdirSync(join(ROOT, 'test/examples'))).toContain(name.replace('.ts', '.test.ts'));
});
