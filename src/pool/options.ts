/**
 * Options of dial, listen and resolve, checked before any I/O. Each is read once and only if the object itself has it:
 * what a polluted prototype would add counts for nothing, and nothing is merged.
 */
import {
  type BlockList,
  getDefaultAutoSelectFamily,
  getDefaultAutoSelectFamilyAttemptTimeout,
  type LookupFunction,
} from 'node:net';
import { checkInteger, checkMilliseconds, checkPath, isSignal, quote, wrongType } from '../base/arguments.js';
import { LONGEST_TIMER_MS } from '../base/timers.js';
import { refuseUnknown } from '../base/option-names.js';
import { PoolError } from '../base/errors.js';
import { bare, ownOption } from '../base/own-properties.js';
import { HANDSHAKE_RANGES, LARGEST_SESSION_TABLE, WRITE_STALL_TIMEOUT_MS } from '../poolnode/constants.js';
import type { HandshakeOptions } from '../poolnode/types.js';
import { DEFAULT_BACKLOG, DEFAULT_QUEUE_BYTES } from './constants.js';
import {
  checkDialProof,
  checkListenProof,
  type DialProof,
  type DialProofOptions,
  type ListenProof,
  type ListenProofOptions,
} from './identity/authentication.js';
import { type OpOptions, refuseSignal } from './op-options.js';

/** Either family, IPv4 only, IPv6 only. */
export type Network = 'pool' | 'pool4' | 'pool6';

/** Which backend carries a session; `auto` is the kernel module where its device exists, else the embedded node. */
export type BackendChoice = 'auto' | 'kernel' | 'user';

/** Options that dial and listen share. */
export interface CommonOptions {
  /** Default: POOL_BACKEND of the environment, else `auto`. */
  backend?: BackendChoice | undefined;
  /** The device file. Default: POOL_DEVICE of the environment, else `/dev/pool`. */
  device?: string | undefined;
  /** Bytes that a session may hold unread, all its channels together, before it stops reading. Default 1 MiB. */
  readQueueBytes?: number | undefined;
  /** Bytes that may wait to be sent before writers wait. Default 1 MiB. */
  writeQueueBytes?: number | undefined;
  /**
   * ms without a message in either direction after which the session ends; 0, the default, is never. At most 24 days. While
   * this side doesn't read, because its queue is full, it ends only when what was written doesn't go out either.
   */
  idleTimeout?: number | undefined;
  /**
   * User backend: ms after which a session ends with ERR_POOL_TIMEOUT when this side doesn't read, because its queue is full
   * or the program waits to write, and the peer took no byte of what was written. 0 is never. Default 60 000. The kernel
   * module breaks a session that it dialled when its peer takes nothing for 10 s.
   */
  writeStallTimeout?: number | undefined;
  /** Channels, 1 to 255, that are open before the first receive. */
  channels?: readonly number[] | undefined;
  /** User backend: size of the process's session table. Fixed by its first use; default POOL_MAX_SESSIONS, else 1024. */
  maxSessions?: number | undefined;
}

/** Options of {@link dial}. */
export interface DialOptions extends OpOptions, CommonOptions, DialProofOptions {
  /** Default `pool`. */
  network?: Network | undefined;
  /** ms for lookup, connection and handshake together; 0 is none. Default: 10 s for TCP, 30 s for CHALLENGE, 30 s for the end. */
  timeout?: number | undefined;
  /** False dials only the first address that the lookup gives. Default as for `net.connect`: all of them, staggered. */
  autoSelectFamily?: boolean | undefined;
  /** ms after which the next address is tried beside the ones before; at least 10. Default as for `net.connect`: 250. */
  autoSelectFamilyAttemptDelay?: number | undefined;
  /** Default `dns.lookup`. */
  lookup?: LookupFunction | undefined;
}

/** Options of {@link listen}. */
export interface ListenOptions extends OpOptions, CommonOptions, ListenProofOptions {
  /** Default `pool`. */
  network?: Network | undefined;
  /** Sessions that wait for `accept`; what comes beyond is dropped, the newest first. Default 128. */
  backlog?: number | undefined;
  /** Open sessions of this listener, waiting ones included; what comes beyond is dropped. Default: no limit but the table's. */
  maxConnections?: number | undefined;
  /**
   * User backend: accepted sessions that one address, or one IPv6 network (/64), may have in the process's session table;
   * what comes beyond is dropped. Default: three quarters of the table.
   */
  maxSessionsPerAddress?: number | undefined;
  /** User backend: limits on connections that have not finished their handshake. */
  handshakes?: HandshakeOptions | undefined;
  /** Peers that are dropped before a byte of theirs is read. */
  blockList?: BlockList | undefined;
}

/** Options of {@link resolve}. */
export interface ResolveOptions extends OpOptions {
  /** Default `pool`. */
  network?: Network | undefined;
  /** Default `dns.lookup`. */
  lookup?: LookupFunction | undefined;
}

/** {@link CommonOptions} as they apply. */
export interface CommonSettings {
  backend: BackendChoice | undefined;
  device: string | undefined;
  readQueueBytes: number;
  writeQueueBytes: number;
  idleTimeout: number;
  writeStallTimeout: number;
  channels: readonly number[];
  maxSessions: number | undefined;
}

export interface ResolveSettings {
  signal: AbortSignal | undefined;
  network: Network;
  lookup: LookupFunction | undefined;
}

export interface DialSettings extends CommonSettings, ResolveSettings {
  /** ms; 0 is none. */
  timeout: number;
  autoSelectFamily: boolean;
  autoSelectFamilyAttemptDelay: number;
  proof: DialProof | undefined;
}

export interface ListenSettings extends CommonSettings {
  signal: AbortSignal | undefined;
  network: Network;
  backlog: number;
  maxConnections: number;
  maxSessionsPerAddress: number | undefined;
  handshakes: HandshakeOptions | undefined;
  blockList: BlockList | undefined;
  proof: ListenProof | undefined;
}

const NETWORKS: readonly Network[] = ['pool', 'pool4', 'pool6'];
export const BACKEND_CHOICES: readonly BackendChoice[] = ['auto', 'kernel', 'user'];

/** As Node has it: a shorter delay would be no delay. */
const SHORTEST_ATTEMPT_DELAY_MS = 10;

/** The largest count or size that is exact. */
const LARGEST = Number.MAX_SAFE_INTEGER;

/** @throws PoolError ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE */
export function readDialOptions(options: unknown): DialSettings {
  const read = reader(options);
  const delay =
    read.integer('autoSelectFamilyAttemptDelay', 1, LONGEST_TIMER_MS) ?? getDefaultAutoSelectFamilyAttemptTimeout();
  const settings = {
    ...readResolve(read),
    ...readCommon(read),
    timeout: read.milliseconds('timeout') ?? 0,
    autoSelectFamily: read.boolean('autoSelectFamily') ?? getDefaultAutoSelectFamily(),
    autoSelectFamilyAttemptDelay: Math.max(delay, SHORTEST_ATTEMPT_DELAY_MS),
    proof: checkDialProof(readProof(read)),
  };
  read.done();
  return settings;
}

/** @throws PoolError ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE */
export function readListenOptions(options: unknown): ListenSettings {
  const read = reader(options);
  const settings = {
    ...readCommon(read),
    signal: read.signal('signal'),
    network: read.oneOf('network', NETWORKS) ?? 'pool',
    backlog: read.integer('backlog', 1, LARGEST) ?? DEFAULT_BACKLOG,
    maxConnections: read.integer('maxConnections', 1, LARGEST) ?? Infinity,
    maxSessionsPerAddress: read.integer('maxSessionsPerAddress', 1, LARGEST_SESSION_TABLE),
    handshakes: readHandshakes(read.object('handshakes')),
    blockList: read.blockList('blockList'),
    proof: checkListenProof(readProof(read)),
  };
  read.done();
  return settings;
}

function readProof(read: Reader): { peers: unknown; identity: unknown; psk: unknown } {
  return { peers: read.any('peers'), identity: read.any('identity'), psk: read.any('psk') };
}

function readHandshakes(options: object | undefined): HandshakeOptions | undefined {
  if (options === undefined) return undefined;
  const read = reader(options, 'options.handshakes');
  const limits = Object.entries(HANDSHAKE_RANGES).map(([name, range]) => [name, read.integer(name, ...range)] as const);
  read.done();
  return bare(Object.fromEntries(limits.filter(([, value]) => value !== undefined)) as HandshakeOptions);
}

/** @throws PoolError ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE */
export function readResolveOptions(options: unknown): ResolveSettings {
  const read = reader(options);
  const settings = readResolve(read);
  read.done();
  return settings;
}

function readResolve(read: Reader): ResolveSettings {
  return {
    signal: read.signal('signal'),
    network: read.oneOf('network', NETWORKS) ?? 'pool',
    lookup: read.function('lookup') as LookupFunction | undefined,
  };
}

function readCommon(read: Reader): CommonSettings {
  return {
    backend: read.oneOf('backend', BACKEND_CHOICES),
    device: read.path('device'),
    readQueueBytes: read.integer('readQueueBytes', 1, LARGEST) ?? DEFAULT_QUEUE_BYTES,
    writeQueueBytes: read.integer('writeQueueBytes', 1, LARGEST) ?? DEFAULT_QUEUE_BYTES,
    idleTimeout: read.milliseconds('idleTimeout') ?? 0,
    writeStallTimeout: read.milliseconds('writeStallTimeout') ?? WRITE_STALL_TIMEOUT_MS,
    channels: read.channels('channels') ?? [],
    maxSessions: read.integer('maxSessions', 1, LARGEST),
  };
}

export type Reader = ReturnType<typeof reader>;

/** Reads options of an object one by one; undefined is as good as absent. `prefix` is what errors call the object. */
export function reader(options: unknown, prefix = 'options') {
  if (options !== undefined && !isObject(options)) throw wrongType('options', 'an object', options);
  refuseSignal(options);
  const known = new Set<string>();
  const get = (name: string): unknown => {
    known.add(name);
    return options === undefined ? undefined : ownOption(options, name);
  };
  function typed<T>(name: string, wanted: string, is: (value: unknown) => value is T): T | undefined {
    const value = get(name);
    if (value === undefined || is(value)) return value;
    throw wrongType(`${prefix}.${name}`, wanted, value);
  }

  /** Undefined, or what `check` makes of the value. */
  function checked<T>(name: string, check: (name: string, value: unknown) => T): T | undefined {
    const value = get(name);
    return value === undefined ? undefined : check(`${prefix}.${name}`, value);
  }

  function integer(name: string, from: number, to: number): number | undefined {
    return checked(name, (whole, value) => checkInteger(whole, value, from, to));
  }

  return {
    integer,
    /** Whatever it is: whoever asks checks it. */
    any: get,
    /** After the last option was read: refuses those that weren't, `others` apart. */
    done(others: readonly string[] = []): void {
      if (options !== undefined) refuseUnknown(options, [...known, ...others]);
    },
    /** A whole number from 1, or Infinity. */
    count(name: string): number | undefined {
      return get(name) === Infinity ? Infinity : integer(name, 1, LARGEST);
    },
    milliseconds: (name: string) => checked(name, checkMilliseconds),
    boolean: (name: string) => typed(name, 'a boolean', (value) => typeof value === 'boolean'),
    function: (name: string) => typed(name, 'a function', (value) => typeof value === 'function'),
    oneOf<T extends string>(name: string, values: readonly T[]): T | undefined {
      const value = typed(name, `one of ${values.join(', ')}`, isString);
      if (value === undefined || values.includes(value as T)) return value as T | undefined;
      throw new PoolError(
        'ERR_INVALID_ARG_VALUE',
        `${prefix}.${name} is one of ${values.join(', ')}, not ${quote(value)}`,
      );
    },
    object: (name: string) => typed(name, 'an object', isObject),
    path: (name: string) => checked(name, checkPath),
    signal: (name: string) => typed(name, 'an AbortSignal', isSignal),
    blockList: (name: string) => typed(name, 'a net.BlockList', isBlockList),
    channels(name: string): readonly number[] | undefined {
      const value = typed(name, 'an array of channel numbers', Array.isArray as (value: unknown) => value is unknown[]);
      if (value === undefined) return undefined;
      for (const channel of Array.from(value)) {
        if (typeof channel !== 'number') throw wrongType(`${prefix}.${name}`, 'an array of channel numbers', channel);
        if (!Number.isInteger(channel) || channel < 1 || channel > 255) {
          const why = channel === 0 ? '; channel 0 is the Conn itself' : '';
          throw new PoolError('ERR_OUT_OF_RANGE', `${prefix}.${name} has channels from 1 to 255, not ${channel}${why}`);
        }
      }
      return Object.freeze([...new Set(value as number[])]);
    },
  };
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isBlockList(value: unknown): value is BlockList {
  return typeof value === 'object' && value !== null && 'check' in value && typeof value.check === 'function';
}
