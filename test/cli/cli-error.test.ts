import { describe, expect, it } from 'vitest';
import { CliError, exitCodeOf, lineOf } from '../../src/cli/cli-error.js';
import { PoolError } from '../../src/index.js';

const systemError = (code: string) => Object.assign(new Error(`${code}: no, open '/x'`), { code, errno: -2 });

describe('exit codes of errors', () => {
  it.each([
    [new CliError(69, 'no device'), 69],
    [new PoolError('ERR_POOL_INVALID_ADDRESS', 'bad'), 64],
    [new PoolError('ERR_POOL_TIMEOUT', 'late'), 75],
    [new PoolError('ERR_POOL_PROTOCOL', 'rule'), 76],
    [new PoolError('ECONNREFUSED', 'refused'), 1],
    [new PoolError('ENOENT', 'there is no POOL device'), 69],
    [new PoolError('ENOTTY', 'no POOL device'), 69],
    [new PoolError('ENOTCONN', 'its server has ended', { syscall: 'open' }), 69],
    [new PoolError('ENOTCONN', 'the session is not connected', { syscall: 'ioctl' }), 1],
    [systemError('ENOENT'), 1],
    [systemError('ENOSPC'), 74],
    [systemError('EACCES'), 77],
    [systemError('ECONNRESET'), 1],
    [systemError('EPIPE'), 141],
    [new PoolError('ENOENT', 'there is no /dev/pool'), 69],
    [new PoolError('ENOTTY', '/dev/null is no POOL device'), 69],
    [systemError('ENOENT'), 1],
    [new PoolError('EPIPE', 'the connection broke'), 1],
    [new TypeError('x is not a function'), null],
    [Object.assign(new Error('internal'), { code: 'ERR_INTERNAL_ASSERTION' }), null],
    [undefined, null],
  ])('%s ends with %s', (error, code) => {
    expect(exitCodeOf(error)).toBe(code);
  });

  it('are said in one line, with a code that a search finds', () => {
    expect(lineOf(new PoolError('ECONNREFUSED', 'dial pool x: connection refused'))).toBe(
      'dial pool x: connection refused (ECONNREFUSED)',
    );
    expect(lineOf(systemError('ENOENT'))).toBe("ENOENT: no, open '/x'");
    expect(lineOf(new PoolError('ENOENT', "there is no device: pass backend: 'user'"))).toBe(
      'there is no device: pass --backend user (ENOENT)',
    );
    expect(lineOf(new Error('first\nsecond'))).toBe('first');
    expect(lineOf(new Error('a\x9b2J\x1b[2J'))).toBe('a?2J?[2J');
  });
});
