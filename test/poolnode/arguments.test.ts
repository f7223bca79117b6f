import { describe, expect, it } from 'vitest';
import { checkHandshakeLimits, checkMaxSessions, checkTimeout } from '../../src/poolnode/arguments.js';

const code = (name: string): Error => expect.objectContaining({ code: name }) as Error;

describe('checkTimeout', () => {
  it.each([1, 0.5, 2 ** 40, Infinity])('takes %d ms', (ms) => {
    expect(checkTimeout('timeout', ms, 5)).toBe(ms);
  });

  it('falls back where none is given', () => {
    expect(checkTimeout('timeout', undefined, 5)).toBe(5);
  });

  it.each([0, -1, NaN])('refuses %d', (ms) => {
    expect(() => checkTimeout('timeout', ms, 5)).toThrow(code('ERR_OUT_OF_RANGE'));
  });

  it('refuses what is no number', () => {
    expect(() => checkTimeout('timeout', '5', 5)).toThrow(code('ERR_INVALID_ARG_TYPE'));
  });
});

it('wants a session table of at least one slot and at most 2^20', () => {
  expect(checkMaxSessions(1)).toBe(1);
  expect(checkMaxSessions(2 ** 20)).toBe(2 ** 20);
  expect(() => checkMaxSessions(0)).toThrow(code('ERR_OUT_OF_RANGE'));
  expect(() => checkMaxSessions(2 ** 20 + 1)).toThrow(code('ERR_OUT_OF_RANGE'));
});

describe('checkHandshakeLimits', () => {
  it('gives what is given, and nothing that a prototype has', () => {
    const options = Object.assign(Object.create({ rate: 3 }) as object, { pending: 2, timeout: undefined });
    expect(checkHandshakeLimits(options)).toEqual({ pending: 2 });
    expect(() => checkHandshakeLimits(Object.assign({ more: 1 }, options))).toThrow(code('ERR_INVALID_ARG_VALUE'));
  });

  it.each([
    ['pending', 0, 'ERR_OUT_OF_RANGE'],
    ['initTimeout', 0, 'ERR_OUT_OF_RANGE'],
    ['queueTimeout', 2 ** 31, 'ERR_OUT_OF_RANGE'],
    ['difficulty', 21, 'ERR_OUT_OF_RANGE'],
    ['busyAbove', -1, 'ERR_OUT_OF_RANGE'],
    ['rate', 0.5, 'ERR_OUT_OF_RANGE'],
    ['burst', '5', 'ERR_INVALID_ARG_TYPE'],
  ])('refuses %s of %s', (name, value, wanted) => {
    expect(() => checkHandshakeLimits({ [name]: value })).toThrow(code(wanted));
    expect(() => checkHandshakeLimits({ [name]: value })).toThrow(`handshakes.${name}`);
  });
});
