/** What bad arguments to the node get, before any I/O. */
import { PoolError } from '../base/errors.js';
import { ownOption } from '../base/own-properties.js';
import { HANDSHAKE_RANGES, LARGEST_SESSION_TABLE, WRITE_STALL_TIMEOUT_MS } from './constants.js';
import type { HandshakeLimits, HandshakeOptions } from './types.js';

export function checkInteger(name: string, value: unknown, from: number, to: number): number {
  if (typeof value !== 'number') {
    throw new PoolError('ERR_INVALID_ARG_TYPE', `${name} must be a number, not ${typeof value}`);
  }
  if (!Number.isInteger(value) || value < from || value > to) {
    throw new PoolError('ERR_OUT_OF_RANGE', `${name} must be an integer from ${from} to ${to}, not ${value}`);
  }
  return value;
}

/** A time in ms above 0; `fallback` where none is given. */
export function checkTimeout(name: string, value: unknown, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value !== 'number') {
    throw new PoolError('ERR_INVALID_ARG_TYPE', `${name} must be a number of milliseconds, not ${typeof value}`);
  }
  if (!(value > 0)) throw new PoolError('ERR_OUT_OF_RANGE', `${name} must be above 0 ms, not ${value}`);
  return value;
}

/** ms, 0 for never; the default where none is given. */
export function checkWriteStallTimeout(value: unknown): number {
  if (value === 0) return 0;
  return checkTimeout('writeStallTimeout', value, WRITE_STALL_TIMEOUT_MS);
}

export function checkHost(value: unknown): string {
  if (typeof value !== 'string') {
    throw new PoolError('ERR_INVALID_ARG_TYPE', `host must be a string, not ${typeof value}`);
  }
  return value;
}

/** That the property `name` of `holder` is a function. */
export function checkFunction<T extends object>(holder: T, name: keyof T & string): void {
  const value: unknown = holder[name];
  if (typeof value !== 'function') {
    throw new PoolError('ERR_INVALID_ARG_TYPE', `${name} must be a function, not ${typeof value}`);
  }
}

export function checkMaxSessions(value: unknown): number {
  return checkInteger('maxSessions', value, 1, LARGEST_SESSION_TABLE);
}

/** The limits that are given. Throws ERR_INVALID_ARG_TYPE and ERR_OUT_OF_RANGE. */
export function checkHandshakeLimits(options: HandshakeOptions): Partial<HandshakeLimits> {
  const given: Partial<Record<keyof HandshakeLimits, number>> = {};
  for (const [key, range] of Object.entries(HANDSHAKE_RANGES)) {
    const name = key as keyof HandshakeLimits;
    const value = ownOption(options, name);
    if (value !== undefined) given[name] = checkInteger(`handshakes.${name}`, value, ...range);
  }
  return given;
}
