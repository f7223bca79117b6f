import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type * as errors from '../../src/base/errors.js';
import { POOL_ERROR_CODES, PoolError } from '../../src/base/errors.js';

describe('PoolError', () => {
  it('carries what it was given, and nothing else', () => {
    const cause = new Error('below');
    const error = new PoolError('ECONNREFUSED', 'refused', {
      errno: 111,
      syscall: 'dial',
      address: '::1',
      port: 1,
      cause,
    });
    expect(error).toMatchObject({ code: 'ECONNREFUSED', errno: -111, syscall: 'dial', address: '::1', port: 1 });
    expect(error.cause).toBe(cause);
    expect('bytesWritten' in error).toBe(false);
    expect(Object.keys(error)).toEqual(['code', 'errno', 'syscall', 'address', 'port']);
  });

  it('prints no field that it has not', () => {
    expect(inspect(new PoolError('ERR_POOL_CLOSED', 'closed'))).not.toMatch(/undefined|errno|cause/);
  });

  it('is an Error with its own name', () => {
    const error = new PoolError('ERR_POOL_CLOSED', 'closed');
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).toBe('PoolError: closed');
  });

  it.each(POOL_ERROR_CODES)('%s is a timeout only where one passed', (code) => {
    expect(new PoolError(code, 'x').timeout).toBe(code === 'ERR_POOL_TIMEOUT');
  });

  it('is a timeout for ETIMEDOUT of the system', () => {
    expect(new PoolError('ETIMEDOUT', 'x').timeout).toBe(true);
  });

  it('recognises the errors of another copy of the package, and no others', async () => {
    const copy: string = `${fileURLToPath(new URL('../../src/base/errors.ts', import.meta.url))}?copy`;
    // A query makes another module instance of the same file, as import and require do of the package.
    const other = (await import(copy)) as typeof errors;
    expect(other.PoolError).not.toBe(PoolError);
    expect(new other.PoolError('ERR_POOL_CLOSED', 'x')).toBeInstanceOf(PoolError);
    expect(new Error('x')).not.toBeInstanceOf(PoolError);
    expect({ code: 'ERR_POOL_CLOSED' }).not.toBeInstanceOf(PoolError);
    expect(null).not.toBeInstanceOf(PoolError);
  });

  it('leaves subclasses the ordinary rule', () => {
    class Special extends PoolError {}
    expect(new PoolError('ERR_POOL_CLOSED', 'x')).not.toBeInstanceOf(Special);
    expect(new Special('ERR_POOL_CLOSED', 'x')).toBeInstanceOf(Special);
  });
});
