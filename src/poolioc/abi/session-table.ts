/**
 * The table of SESSIONS. A newer module's rows are longer, and the number of the request doesn't tell. So the memory is
 * filled with a sentinel first; the module writes exactly count rows, and the last byte that changed gives their length
 * (kernel contract, section 1).
 */
import type { Bytes } from '../../base/bytes.js';
import { PoolError } from '../../base/errors.js';
import { MAX_SESSIONS } from './constants.js';
import { offsetsOf, structs } from './structs.js';
import type { SessionInfo } from '../types.js';

/** sizeof(struct pool_session_info), and with the state_digest that newer modules add to the telemetry. */
const ROW_BYTES = structs.SessionInfo.size;
const DIGEST_ROW_BYTES = 128;

/** Bytes that are filled with the sentinel: rows of up to 256 bytes. */
export const TABLE_BYTES = MAX_SESSIONS * 256;
/** Two, because the last byte of a table may happen to equal one of them. */
export const SENTINELS = [0xa5, 0x5a] as const;

const row = offsetsOf(structs.SessionInfo);
const telemetry = offsetsOf(structs.Telemetry);
const STATE_DIGEST = structs.Telemetry.size;

/**
 * Bytes from the start up to the last one that is not the sentinel. By halves that are compared as a whole: whoever waits for a
 * change looks some forty times a second, in code that V8 may never compile.
 */
export function writtenBytes(table: Buffer, sentinel: number): number {
  let [low, high] = [0, table.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    // All of them are the sentinel where the first is, and each is as the one before it.
    const untouched = table[middle] === sentinel && table.compare(table, middle + 1, high, middle, high - 1) === 0;
    if (untouched) high = middle;
    else low = middle + 1;
  }
  return high;
}

/** Bytes of a row; null where `written` bytes are not `count` rows of a known length. */
export function strideOf(count: number, written: number): number | null {
  if (count > MAX_SESSIONS) return null;
  return [ROW_BYTES, DIGEST_ROW_BYTES].find((stride) => count * stride === written) ?? null;
}

export function abiMismatch(path: string, count: number, written: number): PoolError {
  return new PoolError(
    'ERR_POOL_ABI_MISMATCH',
    `list sessions on ${path}: the module wrote ${written} bytes for ${count} sessions, which is neither ${ROW_BYTES} nor ` +
      `${DIGEST_ROW_BYTES} bytes each; this version of pool-ts does not know the module's structs`,
  );
}

/** Rows as plain objects that share no memory with `table`. */
export function decodeRows(table: Uint8Array, count: number, stride: number): SessionInfo[] {
  const copy = Buffer.from(table.subarray(0, count * stride));
  return Array.from({ length: count }, (_, at) => decodeRow(copy, at * stride, stride));
}

function decodeRow(table: Buffer, at: number, stride: number): SessionInfo {
  const t = at + row.telemetry;
  return {
    index: table.readUInt32LE(at + row.index),
    peerAddr: bytes(table, at + row.peerAddr),
    peerPort: table.readUInt16LE(at + row.peerPort),
    addrFamily: table.readUInt8(at + row.addrFamily),
    state: table.readUInt8(at + row.state),
    sessionId: bytes(table, at + row.sessionId),
    bytesSent: table.readBigUInt64LE(at + row.bytesSent),
    bytesRecv: table.readBigUInt64LE(at + row.bytesRecv),
    packetsSent: table.readBigUInt64LE(at + row.packetsSent),
    packetsRecv: table.readBigUInt64LE(at + row.packetsRecv),
    rekeyCount: table.readUInt32LE(at + row.rekeyCount),
    telemetry: {
      rttNs: table.readBigUInt64LE(t + telemetry.rttNs),
      jitterNs: table.readBigUInt64LE(t + telemetry.jitterNs),
      lossRatePpm: table.readUInt32LE(t + telemetry.lossRatePpm),
      throughputBps: table.readUInt32LE(t + telemetry.throughputBps),
      mtuCurrent: table.readUInt16LE(t + telemetry.mtuCurrent),
      queueDepth: table.readUInt16LE(t + telemetry.queueDepth),
      uptimeNs: table.readBigUInt64LE(t + telemetry.uptimeNs),
      rekeyCount: table.readUInt32LE(t + telemetry.rekeyCount),
      configVersion: table.readUInt32LE(t + telemetry.configVersion),
      ...(stride === DIGEST_ROW_BYTES ? { stateDigest: table.readUInt32LE(t + STATE_DIGEST) } : {}),
    },
  };
}

/** 16 bytes: an address, or a session id. */
function bytes(table: Buffer, at: number): Bytes {
  return new Uint8Array(table.subarray(at, at + 16));
}
