/** The options of the node that have a meaning of their own, checked before any I/O. */
import { checkInteger, outOfRange, wrongType } from '../base/arguments.js';
import { namesOf, refuseUnknown } from '../base/option-names.js';
import { ownOption } from '../base/own-properties.js';
import { HANDSHAKE_RANGES, LARGEST_SESSION_TABLE, WRITE_STALL_TIMEOUT_MS } from './constants.js';
import type {
  HandshakeLimits,
  HandshakeOptions,
  NodeDialOptions,
  NodeListenOptions,
  PoolNodeOptions,
} from './types.js';

const NODE_NAMES = namesOf<PoolNodeOptions>({ maxSessions: true, retainEnded: true, reclaim: true });
const DIAL_NAMES = namesOf<NodeDialOptions>({
  host: true,
  port: true,
  signal: true,
  connectTimeout: true,
  challengeTimeout: true,
  completionTimeout: true,
  writeStallTimeout: true,
  beforeResponse: true,
  lookup: true,
  authentication: true,
});
const LISTEN_NAMES = namesOf<NodeListenOptions>({
  host: true,
  port: true,
  ipv6Only: true,
  backlog: true,
  handshakes: true,
  maxSessionsPerAddress: true,
  authentication: true,
  writeStallTimeout: true,
  admit: true,
  session: true,
  dropped: true,
});

/** That the options of a node, a dial or a listener are an object without any that isn't there. */
export function checkNames(what: 'node' | 'dial' | 'listen', options: unknown): void {
  if (typeof options !== 'object' || options === null) throw wrongType(`the argument of ${what}`, 'an object', options);
  refuseUnknown(options, { node: NODE_NAMES, dial: DIAL_NAMES, listen: LISTEN_NAMES }[what]);
}

/** A time in ms above 0, Infinity for none; `fallback` where none is given. @throws PoolError ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE */
export function checkTimeout(name: string, value: unknown, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value !== 'number') throw wrongType(name, 'a number of ms', value);
  if (!(value > 0)) throw outOfRange(name, 'a number of ms above 0', value);
  return value;
}

/** ms, 0 for never; the default where none is given. @throws PoolError ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE */
export function checkWriteStallTimeout(value: unknown): number {
  return value === 0 ? 0 : checkTimeout('writeStallTimeout', value, WRITE_STALL_TIMEOUT_MS);
}

/** @throws PoolError ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE */
export function checkMaxSessions(value: unknown): number {
  return checkInteger('maxSessions', value, 1, LARGEST_SESSION_TABLE);
}

/** The limits that are given. @throws PoolError ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE (no such limit), ERR_OUT_OF_RANGE */
export function checkHandshakeLimits(options: HandshakeOptions): Partial<HandshakeLimits> {
  refuseUnknown(options, Object.keys(HANDSHAKE_RANGES));
  const given: Partial<Record<keyof HandshakeLimits, number>> = {};
  for (const [key, range] of Object.entries(HANDSHAKE_RANGES)) {
    const name = key as keyof HandshakeLimits;
    const value = ownOption(options, name);
    if (value !== undefined) given[name] = checkInteger(`handshakes.${name}`, value, ...range);
  }
  return given;
}
