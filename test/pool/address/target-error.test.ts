import { expect, it } from 'vitest';
import { PoolError } from '../../../src/base/errors.js';
import { readTarget, targetError } from '../../../src/pool/address/target.js';

const target = readTarget('[::1]:80', 'pool6');

it('makes a sentence of a reason, and hands on its errno and what caused it', () => {
  const cause = new Error('below');
  const reason = new PoolError('ECONNREFUSED', 'connection refused', { errno: 111, syscall: 'connect', cause });
  const error = targetError('dial', target, reason) as PoolError;
  expect(error.message).toBe('dial pool6 [::1]:80: connection refused');
  expect(error).toMatchObject({
    code: 'ECONNREFUSED',
    // Negative, as Node's.
    errno: -111,
    syscall: 'connect',
    address: '::1',
    port: 80,
    cause,
  });
});

it('says nothing of an errno or a cause that there was not', () => {
  const error = targetError('dial', target, new PoolError('ERR_POOL_TIMEOUT', 'late')) as PoolError;
  expect(['errno' in error, 'cause' in error, error.timeout]).toEqual([false, false, true]);
});

it("leaves alone what is not ours, and the reason of the caller's signal", () => {
  const [other, reason] = [new TypeError('a fault'), new PoolError('ERR_POOL_CLOSED', 'mine')];
  expect(targetError('dial', target, other)).toBe(other);
  expect(targetError('dial', target, reason, AbortSignal.abort(reason))).toBe(reason);
  expect(targetError('dial', target, reason, AbortSignal.abort())).not.toBe(reason);
});
