/** `npm run docs` makes the API reference without a warning: nothing undocumented, no link that leads nowhere. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../programs/run.js';
import { requirement } from '../require.js';

const TYPEDOC = join(ROOT, 'node_modules/typedoc/bin/typedoc');
const typedoc = requirement('typedoc', () => (existsSync(TYPEDOC) ? null : 'it is not installed: run npm ci'));

/** ms: it reads the whole project. */
const PATIENCE = 240_000;

test.skipIf(typedoc.missing)('typedoc finds nothing to warn of', { timeout: PATIENCE }, () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [TYPEDOC, '--emit', 'none'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  expect(`${stdout}${stderr}`).not.toMatch(/\[(warning|error)\]/);
  expect(status).toBe(0);
});
