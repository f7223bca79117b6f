import { describe as group, expect, it } from 'vitest';
import {
  checkFunction,
  checkInteger,
  checkMilliseconds,
  checkPath,
  checkString,
  describe,
  isSignal,
  quote,
} from '../../src/base/arguments.js';

const code = (name: string): Error => expect.objectContaining({ code: name }) as Error;

it('quote escapes and shortens', () => {
  expect(quote('a\n\u001b')).toBe('"a\\n\\u001b"');
  expect(quote('a\u009b2J\u202eb')).toBe('"a\\u009b2J\\u202eb"');
  expect(quote('x'.repeat(5000)).length).toBeLessThan(120);
});

it('describe names a value without showing what it holds', () => {
  expect(describe({ secret: 'abc' })).toBe('an object');
  expect([describe(null), describe('a'), describe([1]), describe(5n)]).toEqual([
    'null',
    'the string "a"',
    'an array',
    'the bigint 5n',
  ]);
});

group('checkInteger', () => {
  it.each([0, 1, 65535])('takes %d as a port', (port) => {
    expect(checkInteger('port', port, 0, 65535)).toBe(port);
  });

  it.each([-1, 65536, 1.5, NaN, Infinity])('refuses %d', (port) => {
    expect(() => checkInteger('port', port, 0, 65535)).toThrow(code('ERR_OUT_OF_RANGE'));
  });

  it.each(['80', null, undefined, 80n])('refuses %s as no number', (port) => {
    expect(() => checkInteger('port', port, 0, 65535)).toThrow(code('ERR_INVALID_ARG_TYPE'));
  });

  it('names a bound only where there is one', () => {
    expect(() => checkInteger('port', -1, 0, 65535)).toThrow(/^port is a whole number from 0 to 65535, not -1$/);
    expect(() => checkInteger('max', 0, 1, Number.MAX_SAFE_INTEGER)).toThrow(/^max is a whole number from 1, not 0$/);
  });
});

group('the others', () => {
  it('want a time to be a finite number of ms from 0', () => {
    expect([checkMilliseconds('t', 0), checkMilliseconds('t', 0.5)]).toEqual([0, 0.5]);
    for (const ms of [-1, NaN, Infinity]) expect(() => checkMilliseconds('t', ms)).toThrow(code('ERR_OUT_OF_RANGE'));
    expect(() => checkMilliseconds('t', '5')).toThrow(/^t is a number of ms, not the string "5"$/);
  });

  it('want a host to be a string', () => {
    expect(checkString('host', '')).toBe('');
    expect(() => checkString('host', 5)).toThrow(code('ERR_INVALID_ARG_TYPE'));
  });

  it('want a function, and name it', () => {
    expect(() => checkFunction('session', 5)).toThrow(/^session is a function, not the number 5$/);
    checkFunction('session', () => {});
  });

  it('want a path that the system can be asked for', () => {
    expect(checkPath('device', '/dev/pool')).toBe('/dev/pool');
    expect(() => checkPath('device', 1)).toThrow(code('ERR_INVALID_ARG_TYPE'));
    for (const path of ['', '/dev/pool\0'])
      expect(() => checkPath('device', path)).toThrow(code('ERR_INVALID_ARG_VALUE'));
  });

  it('know a signal by its parts', () => {
    expect(isSignal(new AbortController().signal)).toBe(true);
    expect([isSignal(null), isSignal({}), isSignal({ aborted: false, addEventListener() {} })]).toEqual([
      false,
      false,
      false,
    ]);
  });
});
