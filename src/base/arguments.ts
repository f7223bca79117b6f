/** What bad arguments get, in one wording: `options.timeout is a number of ms, not the string "1s"`. Before any I/O. */
import { inspect } from 'node:util';
import { PoolError } from './errors.js';

/** Control characters that JSON leaves as they are, of which terminals take 0x9b for ESC [, and those that turn a line around. */
const LEFT_BY_JSON = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/** Text of somebody else in a message: escaped, and not longer than a line. */
export function quote(text: string): string {
  const quoted = JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
  return quoted.replace(LEFT_BY_JSON, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A value in a message: its type, and what it is where that is short. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'string') return `the string ${quote(value)}`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object') return Array.isArray(value) ? 'an array' : 'an object';
  return `the ${typeof value} ${inspect(value)}`;
}

/** ERR_INVALID_ARG_TYPE: `name` is to be `wanted`. */
export function wrongType(name: string, wanted: string, value: unknown): PoolError {
  return new PoolError('ERR_INVALID_ARG_TYPE', `${name} is ${wanted}, not ${describe(value)}`);
}

/** ERR_OUT_OF_RANGE: `name` is to be `wanted`. */
export function outOfRange(name: string, wanted: string, value: number): PoolError {
  return new PoolError('ERR_OUT_OF_RANGE', `${name} is ${wanted}, not ${value}`);
}

/** A whole number, of no named bound where `to` is the largest that is exact, or more. @throws PoolError ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE */
export function checkInteger(name: string, value: unknown, from: number, to: number): number {
  if (typeof value !== 'number') throw wrongType(name, 'a number', value);
  if (Number.isInteger(value) && value >= from && value <= to) return value;
  const range = to >= Number.MAX_SAFE_INTEGER ? `from ${from}` : `from ${from} to ${to}`;
  throw outOfRange(name, `a whole number ${range}`, value);
}

/** A finite time in ms, 0 or more. @throws PoolError ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE */
export function checkMilliseconds(name: string, value: unknown): number {
  if (typeof value !== 'number') throw wrongType(name, 'a number of ms', value);
  if (value >= 0 && Number.isFinite(value)) return value;
  throw outOfRange(name, 'a finite number of ms from 0', value);
}

/** @throws PoolError ERR_INVALID_ARG_TYPE */
export function checkString(name: string, value: unknown): string {
  if (typeof value !== 'string') throw wrongType(name, 'a string', value);
  return value;
}

/** @throws PoolError ERR_INVALID_ARG_TYPE */
export function checkFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') throw wrongType(name, 'a function', value);
}

/** The name of a file: what the system can be asked for. @throws PoolError ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE */
export function checkPath(name: string, value: unknown): string {
  if (typeof value !== 'string') throw wrongType(name, 'a path', value);
  if (value !== '' && !value.includes('\0')) return value;
  throw new PoolError('ERR_INVALID_ARG_VALUE', `${name} is a path, not ${quote(value)}`);
}

/** By its parts and not by its class: a signal may come from another realm, or from a polyfill. */
export function isSignal(value: unknown): value is AbortSignal {
  if (typeof value !== 'object' || value === null) return false;
  const { aborted, addEventListener, removeEventListener } = value as Partial<AbortSignal>;
  return (
    typeof aborted === 'boolean' && typeof addEventListener === 'function' && typeof removeEventListener === 'function'
  );
}
