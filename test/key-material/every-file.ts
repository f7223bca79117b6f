/** For each test file: no PoolError that is made in its process holds key material. */
import { afterAll } from 'vitest';
import { PoolError } from '../../src/base/errors.js';
import { watchErrors } from './watch-errors.js';

const found: string[] = [];
watchErrors(PoolError, (what) => found.push(what));

afterAll(() => {
  if (found.length > 0) throw new Error(`errors of this file show what could be a key:\n${found.join('\n')}`);
});
