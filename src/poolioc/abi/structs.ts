/**
 * The structs of pool.h as ref-struct-di layouts (kernel contract, section 1). Field names are pool.h's in camel case, in
 * pool.h's order. u64 is a bigint, a byte array a Uint8Array. On hot paths read and write at {@link offsetsOf} instead of
 * making struct objects, which cost microseconds.
 */
import { isMainThread } from 'node:worker_threads';
import { PoolError } from '../../base/errors.js';
import { requireDependency } from '../../base/package-files.js';
import { givenLayouts } from './given-layouts.js';
import { loadRef } from './ref.js';
import { be16, be32, be64, bytes, tsRef, u64, type RefModule, type RefType } from './ref-types.js';

/** The value of a field or a struct, in TypeScript. */
export type ValueOf<T> = T extends RefType<infer V> ? V : never;
/** The plain object of a struct. */
export type StructValue<F> = { -readonly [K in keyof F]: ValueOf<F[K]> };

/** A layout made by ref-struct-di: a constructor that is a ref type as well. */
export interface StructLayout<F extends Record<string, RefType>> extends RefType<StructValue<F>> {
  new (
    memory?: Buffer | Partial<StructValue<F>>,
    values?: Partial<StructValue<F>>,
  ): StructValue<F> & {
    /** The memory of the struct. */
    ref(): Buffer;
    /** The fields as a plain object. */
    toObject(): StructValue<F>;
  };
  /** Each field's type and offset in bytes. */
  fields: { [K in keyof F]: { type: F[K]; offset: number } };
}

type StructFactory = <F extends Record<string, RefType>>(fields: F, options?: { packed?: boolean }) => StructLayout<F>;

/** A packed struct may stand at any offset of another; ref-struct-di would align it to its smallest field. */
function packed<F extends Record<string, RefType>>(struct: StructFactory, fields: F): StructLayout<F> {
  const layout = struct(fields, { packed: true });
  layout.alignment = 1;
  return layout;
}

/** All the layouts over a ref module: ref-napi's, or the one in TypeScript. */
export function structsOver(ref: RefModule, makeFactory: (ref: RefModule) => StructFactory = structFactory) {
  const struct = makeFactory(ref);
  const { uint8, uint16, uint32 } = ref.types;

  const Telemetry = packed(struct, {
    rttNs: u64,
    jitterNs: u64,
    lossRatePpm: uint32,
    throughputBps: uint32,
    mtuCurrent: uint16,
    queueDepth: uint16,
    uptimeNs: u64,
    rekeyCount: uint32,
    configVersion: uint32,
  });
  const message = { sessionIdx: uint32, channel: uint8, flags: uint8, reserved: uint16, len: uint32, dataPtr: u64 };
  const SessionInfo = struct({
    index: uint32,
    peerAddr: bytes(16),
    peerPort: uint16,
    addrFamily: uint8,
    state: uint8,
    sessionId: bytes(16),
    bytesSent: u64,
    bytesRecv: u64,
    packetsSent: u64,
    packetsRecv: u64,
    rekeyCount: uint32,
    telemetry: Telemetry,
  });

  return {
    /** `struct pool_connect_req`. */
    ConnectReq: struct({
      peerAddr: bytes(16),
      peerPort: uint16,
      addrFamily: uint8,
      poolVersion: uint8,
      reserved: bytes(4),
    }),
    /** `struct pool_send_req`. */
    SendReq: struct(message),
    /** `struct pool_recv_req`: len is the capacity going in, the bytes received coming out. */
    RecvReq: struct(message),
    /** `struct pool_telemetry`, packed, in the host's order (also on the wire). */
    Telemetry,
    /** `struct pool_session_info`: 120 bytes, since the telemetry in it is packed. */
    SessionInfo,
    /** `struct pool_session_list`. */
    SessionList: struct({ count: uint32, maxSessions: uint32, infoPtr: u64 }),
    /** `struct pool_channel_req`. */
    ChannelReq: struct({
      sessionIdx: uint32,
      channel: uint8,
      operation: uint8,
      reserved: uint16,
      result: uint32,
      dataPtr: u64,
    }),
    /** `struct pool_header`: packed, big-endian. */
    Header: packed(struct, {
      verType: uint8,
      reserved0: uint8,
      flags: be16,
      seq: be64,
      ack: be64,
      sessionId: bytes(16),
      timestamp: be64,
      payloadLen: be16,
      channel: uint8,
      reserved1: uint8,
      hmac: bytes(32),
    }),
    /** `struct pool_init_payload`. */
    InitPayload: packed(struct, { clientPubkey: bytes(32), clientAddr: bytes(32) }),
    /** `struct pool_challenge_payload`. */
    ChallengePayload: packed(struct, {
      serverPubkey: bytes(32),
      puzzleSeed: bytes(32),
      puzzleDifficulty: be16,
      serverAddr: bytes(32),
    }),
    /** `struct pool_response_payload`. */
    ResponsePayload: packed(struct, { puzzleSolution: bytes(32), proof: bytes(32) }),
    /** `struct pool_address`, packed, big-endian. */
    Address: packed(struct, { typeVersion: be32, orgId: be64, segmentId: be64, nodeId: be64, checksum: be32 }),
    /** `struct pool_journal_entry`, packed, big-endian. */
    JournalEntry: packed(struct, {
      timestamp: be64,
      configVerBefore: be32,
      configVerAfter: be32,
      changeHash: bytes(32),
      changeType: be16,
      detailLength: be16,
    }),
    /** `struct pool_frag_header`, packed, big-endian. */
    FragHeader: packed(struct, { msgId: be32, fragOffset: be16, totalLen: be16 }),
  };
}

function structFactory(ref: RefModule): StructFactory {
  return (layouts() as (ref: RefModule) => StructFactory)(ref);
}

/** A CommonJS package, which a bundle that is an ES module can't hold: it asks for `util` and `tty` while it runs. */
function layouts(): unknown {
  try {
    return requireDependency('ref-struct-di');
  } catch (cause) {
    throw new PoolError(
      'ENOTSUP',
      'pool-ts/poolioc needs the package ref-struct-di and did not find it; install pool-ts with its dependencies, and if a ' +
        'bundler made this program, keep pool-ts installed beside it or mark pool-ts as external',
      { cause },
    );
  }
}

// A thread that is ended while a native module loads takes the whole process with it: threads do without.
const loaded = isMainThread ? loadRef() : ({ ref: tsRef, name: 'typescript' } as const);

/** Which ref module stands below {@link structs}: `ref-napi`, or `typescript` where it can't be loaded, and in worker threads. */
export const refModule: 'ref-napi' | 'typescript' = loaded.name;

/** The structs of pool.h. */
export const structs = givenLayouts<ReturnType<typeof structsOver>>() ?? structsOver(loaded.ref);

/** The structs of pool.h, by name. */
export type Structs = typeof structs;

/** A session record as SESSIONS gives it. */
export type SessionInfoValue = ReturnType<InstanceType<Structs['SessionInfo']>['toObject']>;

/** Offset in bytes of each field of a layout. */
export function offsetsOf<F extends Record<string, RefType>>(layout: StructLayout<F>): { [K in keyof F]: number } {
  const entries = Object.entries(layout.fields).map(([name, field]) => [name, (field as { offset: number }).offset]);
  return Object.fromEntries(entries) as { [K in keyof F]: number };
}
