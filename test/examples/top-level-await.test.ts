import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { killAll, ROOT, run } from '../programs/run.js';

const FILE = 'examples/top-level-await.ts';

afterEach(killAll);

test('the script converses with itself, and ends', async () => {
  expect(await run([FILE])).toEqual({ code: 0, stdout: 'hello from the top level\n', stderr: '' });
});

test('it has about ten lines', () => {
  const lines = readFileSync(join(ROOT, FILE), 'utf8').split('\n');
  expect(lines.filter((line) => line !== '' && !line.startsWith('/**')).length).toBeLessThanOrEqual(10);
});
