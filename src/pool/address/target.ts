/** What a program wrote as an address, read: host and port, the family it may have, and how errors name it. */
import { isIP, SocketAddress } from 'node:net';
import { quote, wrongType } from '../../base/arguments.js';
import { PoolError } from '../../base/errors.js';
import { isReason } from '../call-site.js';
import { joinHostPort } from '../../base/ip.js';
import { Addr } from './addr.js';
import { DEFAULT_PORT } from '../constants.js';
import { readHost, readPort, splitHostPort } from './host-port.js';
import { ownOption } from '../../base/own-properties.js';
import type { Network } from '../options.js';

/** `host:port` as text (a missing port is 9253), the two apart, or an Addr that came from elsewhere. */
export type AddressInput =
  | string
  | { readonly host?: string | undefined; readonly port?: number | string | undefined }
  | Addr;

export interface Target {
  /** '' (every address, or loopback), or a name in ASCII, or the numeric address of `addr`. */
  readonly host: string;
  readonly port: number;
  /** Where the host is numeric. */
  readonly addr: Addr | null;
  readonly network: Network;
}

/**
 * Reads an address. `*` is ''. A numeric address that isn't of the network's family is refused; an IPv4-mapped one is IPv4.
 * @throws PoolError ERR_INVALID_ARG_TYPE, ERR_POOL_INVALID_ADDRESS, ERR_OUT_OF_RANGE
 */
export function readTarget(input: unknown, network: Network): Target {
  const { host, port } = split(input);
  if (isIP(host) === 0) return { host: host === '*' ? '' : host, port, addr: null, network };
  const addr = new Addr(host, port);
  const wanted = familyOf(network);
  if (wanted !== null && addr.family !== wanted) {
    throw new PoolError(
      'ERR_POOL_INVALID_ADDRESS',
      `the network ${network} is ${wanted} only, and ${quote(host)} is an ${addr.family} address`,
    );
  }
  return { host: addr.address, port, addr, network };
}

/**
 * For what is dialled: as {@link readTarget}, and '' is refused. It is what is left of a variable that isn't set, and would be
 * loopback.
 */
export function readPeer(input: unknown, network: Network): Target {
  if (input !== '') return readTarget(input, network);
  throw new PoolError('ERR_POOL_INVALID_ADDRESS', `the address "" is empty; ':${DEFAULT_PORT}' is loopback`);
}

/** The one family of a network; null for both. */
export function familyOf(network: Network): Addr['family'] | null {
  if (network === 'pool') return null;
  return network === 'pool4' ? 'IPv4' : 'IPv6';
}

/** As errors name it: `pool 10.0.0.1:9253`, `pool4 :9253`. */
export function targetName({ network, host, port }: Target): string {
  return `${network} ${joinHostPort(host, port)}`;
}

function split(input: unknown): { host: string; port: number } {
  if (typeof input === 'string') {
    const { host, port = DEFAULT_PORT } = splitHostPort(input);
    return { host, port };
  }
  if (Addr.isAddr(input)) return { host: input.address, port: input.port };
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw wrongType('an address', 'a string or { host, port }', input);
  }
  const host = ownOption(input, 'host');
  const port = ownOption(input, 'port');
  if (host === undefined) refuseOtherNames(input);
  return { host: host === undefined ? '' : readHost(host), port: port === undefined ? DEFAULT_PORT : readPort(port) };
}

/**
 * Objects in which the host has another name: taken as they are they would mean loopback, or every address. A URL has its
 * parts as getters of the prototype, which are not read.
 */
function refuseOtherNames(input: object): void {
  const what = inOtherNames(input);
  if (what === null) return;
  throw new PoolError('ERR_INVALID_ARG_TYPE', `an address is a string or { host, port }, not ${what}`);
}

function inOtherNames(input: object): string | null {
  if (input instanceof URL || input instanceof SocketAddress) return `a ${input.constructor.name}`;
  const name = ['hostname', 'address'].find((one) => ownOption(input, one) !== undefined);
  return name === undefined ? null : `an object with '${name}' and without 'host'`;
}

/**
 * What the operation rejects with because of `error`. One of ours, whose message is the reason alone, becomes the whole
 * sentence, with what caused it as the cause; anything else, and the signal's reason, stays what it is.
 */
export function targetError(op: string, target: Target, error: unknown, signal?: AbortSignal): unknown {
  if (!(error instanceof PoolError) || isReason(error, signal)) return error;
  return new PoolError(error.code, `${op} ${targetName(target)}: ${error.message}`, {
    errno: error.errno,
    // Whoever knows net looks for its word; the sentence says dial, as the call is named.
    syscall: op === 'dial' ? 'connect' : op,
    address: target.host,
    port: target.port,
    errors: error.errors,
    cause: error.cause,
  });
}
