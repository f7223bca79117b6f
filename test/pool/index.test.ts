import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as root from '../../src/index.js';
import * as pool from '../../src/pool/index.js';

it('exports the API, and nothing by accident', () => {
  expect(Object.keys(pool).sort()).toEqual([
    'Addr',
    'DEFAULT_BACKLOG',
    'DEFAULT_DEVICE',
    'DEFAULT_PORT',
    'DEFAULT_QUEUE_BYTES',
    'MAX_PORTABLE_MESSAGE',
    'POOL_ERROR_CODES',
    'PoolError',
    'dial',
    'generateIdentity',
    'listen',
    'requester',
    'resolve',
    'respond',
    'retry',
    'userCryptography',
  ]);
  expect(root).toEqual(pool);
});

it('has the numbers that are documented', () => {
  expect([
    pool.MAX_PORTABLE_MESSAGE,
    pool.DEFAULT_PORT,
    pool.DEFAULT_DEVICE,
    pool.DEFAULT_BACKLOG,
    pool.DEFAULT_QUEUE_BYTES,
  ]).toEqual([65511, 9253, '/dev/pool', 128, 1024 * 1024]);
});

it('loads the kernel backend on demand only', () => {
  const select = readFileSync(new URL('../../src/pool/select.ts', import.meta.url), 'utf8');
  expect(select).toContain("import('./kernel/index.js')");
  expect(select).not.toMatch(/from '\.\/kernel/);
});
