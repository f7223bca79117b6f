/** From a host to the addresses to dial. */
import type { LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { PoolError } from '../../base/errors.js';
import { builtin } from '../../base/builtin.js';
import { guardLookup } from '../../base/lookup.js';
import { bare } from '../../base/own-properties.js';
import { Addr } from './addr.js';
import { atCallSite, type CallSite, callSite } from '../call-site.js';
import { quote } from '../../base/arguments.js';
import { orAborted, throwIfAborted } from '../../base/abort.js';
import { readResolveOptions, type ResolveOptions, type ResolveSettings } from '../options.js';
import { type AddressInput, familyOf, readPeer, type Target, targetError } from './target.js';

/** What `getaddrinfo` says, as reasons. Where it says something else its own message is the reason. */
const REASONS: Record<string, string> = {
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name server does not answer (EAI_AGAIN)',
  ENODATA: 'the host has no address of this family',
};

/**
 * Looks up an address without connecting: the first of those that `dial` would try. A missing port is 9253; port 0 stays.
 * A lookup by the system can't be taken back: given up, it ends by itself, unheard.
 * @returns numeric address and port; for an empty host (`:9253`) that of loopback
 * @throws (rejects) ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_POOL_INVALID_ADDRESS, ERR_OUT_OF_RANGE before any
 * I/O; ENOTFOUND, EAI_AGAIN and whatever else the lookup gives; the signal's reason
 * @example console.log(String(await resolve('localhost:9253', { network: 'pool4' }))); // 127.0.0.1:9253
 */
export function resolve(address: AddressInput, options?: ResolveOptions): Promise<Addr> {
  return resolveFirst(callSite(resolve), address, options);
}

async function resolveFirst(site: CallSite, address: AddressInput, options: ResolveOptions | undefined): Promise<Addr> {
  let signal: AbortSignal | undefined;
  try {
    const settings = readResolveOptions(options);
    const target = readPeer(address, settings.network);
    signal = settings.signal;
    throwIfAborted(signal);
    const [first] = await addressesToDial(target, settings).catch((error: unknown) => {
      throw targetError('resolve', target, error, signal);
    });
    return first;
  } catch (error) {
    throw atCallSite(error, site, signal);
  }
}

/**
 * The addresses to dial, in the order in which to try them: families take turns, beginning with that of the lookup's first
 * answer (RFC 8305, section 4). An unspecified address, which can be listened on but not dialled, is loopback.
 */
export async function addressesToDial(target: Target, settings: ResolveSettings): Promise<[Addr, ...Addr[]]> {
  const { addr, host, port, network } = target;
  if (addr !== null) return [loopbackFor(addr)];
  if (host === '') return loopback(network, port);
  return alternate(await addressesOf(target, settings));
}

/** All addresses of a name, of the network's family, in the lookup's order. */
export async function addressesOf(target: Target, settings: ResolveSettings): Promise<[Addr, ...Addr[]]> {
  const { host, port, network } = target;
  const family = familyOf(network);
  const found = await orAborted(look(host, family, settings.lookup ?? builtin('node:dns').lookup), settings.signal);
  const all = found.map(({ address }) => new Addr(address, port));
  const [first, ...rest] = family === null ? all : all.filter((one) => one.family === family);
  if (first === undefined) throw new PoolError('ENOTFOUND', `the host has no ${family ?? 'IPv4 or IPv6'} address`);
  return [first, ...rest];
}

function look(host: string, family: Addr['family'] | null, lookup: LookupFunction): Promise<LookupAddress[]> {
  return new Promise((resolve, reject) => {
    const number = family === null ? 0 : family === 'IPv4' ? 4 : 6;
    guardLookup(lookup)(host, bare({ all: true, family: number }), (error, answer) => {
      if (error !== null && error !== undefined) return reject(lookupError(error));
      // A lookup function of the program may give one address, although all were asked for.
      const list: LookupAddress[] = Array.isArray(answer) ? answer : [{ address: answer, family: 0 }];
      const wrong = list.find((one) => isIP(one?.address) === 0);
      if (wrong === undefined) return resolve(list);
      reject(
        new PoolError(
          'ERR_POOL_INVALID_ADDRESS',
          `the lookup gave ${quote(String(wrong?.address))}, which is no address`,
        ),
      );
    });
  });
}

/** A program's own function may give, or throw, anything. */
function lookupError(error: unknown): PoolError {
  const { code: given, syscall, message } = error as Partial<NodeJS.ErrnoException>;
  const why = REASONS[String(given)] ?? `the lookup failed: ${typeof message === 'string' ? message : String(error)}`;
  return new PoolError(typeof given === 'string' ? given : 'ENOTFOUND', why, { syscall, cause: error });
}

function loopbackFor(addr: Addr): Addr {
  if (addr.address === '0.0.0.0') return new Addr('127.0.0.1', addr.port);
  return addr.address === '::' ? new Addr('::1', addr.port) : addr;
}

function loopback(network: Target['network'], port: number): [Addr, ...Addr[]] {
  if (network === 'pool4') return [new Addr('127.0.0.1', port)];
  if (network === 'pool6') return [new Addr('::1', port)];
  return [new Addr('127.0.0.1', port), new Addr('::1', port)];
}

function alternate([first, ...rest]: [Addr, ...Addr[]]): [Addr, ...Addr[]] {
  const others = rest.filter(({ family }) => family !== first.family);
  const same = rest.filter(({ family }) => family === first.family);
  const order: [Addr, ...Addr[]] = [first];
  for (let i = 0; i < rest.length; i++) order.push(...others.slice(i, i + 1), ...same.slice(i, i + 1));
  return order;
}
