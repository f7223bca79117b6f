/**
 * Waiting for a change of the session table where the device has no call for it: a thread looks again and again, and comes
 * back when something changed. How long it waits between two looks depends on what a look costs on this machine.
 */
import { constants } from 'node:os';
import { MAX_SESSIONS, SESSION_ID_SIZE } from '../abi/constants.js';
import type { CallMemory } from './call-memory.js';
import { POOL_IOC_SESSIONS } from '../abi/ioctl.js';
import type { CallResult, Libc } from '../libc.js';
import { SENTINELS, TABLE_BYTES, strideOf, writtenBytes } from '../abi/session-table.js';
import { offsetsOf, structs } from '../abi/structs.js';
import type { ThreadRequest } from './thread-request.js';

const { EINTR } = constants.errno;

const list = offsetsOf(structs.SessionList);
const row = offsetsOf(structs.SessionInfo);

/** How often a look's cost the pause after it is at least. */
export const COST_FACTOR = 8;
/** Packets that are told one by one: a handshake's, and one more. */
const FIRST_PACKETS = 3;

/** Of each row what counts as a change: index, state, id, packets received. */
const DIGEST_ROW_BYTES = 32;
const DIGEST_AT = TABLE_BYTES;

/** The order to look until something changed. */
export interface WatchRequest {
  kind: 'watch';
  fd: number;
  /** Bytes of the digest that is known, which lies behind the table in the shared memory; -1 for none. */
  known: number;
  /** ms between two looks at least. */
  interval: number;
  /** Every packet that a session receives is a change, not only its first ones. */
  counters: boolean;
}

/** `known`: what the table looked like, by an earlier outcome; null comes back with the first look. */
export function watchTableRequest(
  fd: number,
  known: Uint8Array | null,
  { interval, counters }: { interval: number; counters: boolean },
): ThreadRequest<Uint8Array> {
  return {
    threads: 'watch',
    call: { kind: 'watch', fd, known: known?.length ?? -1, interval, counters },
    fill({ struct, data }, libc) {
      struct.writeUInt32LE(MAX_SESSIONS, list.maxSessions);
      struct.writeBigUInt64LE(libc.address(data), list.infoPtr);
      if (known !== null) data.set(known, DIGEST_AT);
    },
    take: ({ data }, { ret }) => Uint8Array.from(data.subarray(DIGEST_AT, DIGEST_AT + ret)),
  };
}

export interface WatchSurroundings {
  stopped: () => boolean;
  /** Waits for so many ms, or until the order is stopped. */
  pause: (ms: number) => void;
  /** Monotonic ms. */
  now: () => number;
}

/** Looks until the digest is another than the known one. `ret` is the new digest's length; it lies where that one lay. */
export function watchTable(
  { fd, known, interval, counters }: WatchRequest,
  { struct, data }: CallMemory,
  libc: Pick<Libc, 'ioctl'>,
  { stopped, pause, now }: WatchSurroundings,
): CallResult {
  const before = known < 0 ? null : Buffer.from(data.subarray(DIGEST_AT, DIGEST_AT + known));
  let sentinel: number = SENTINELS[0];
  while (!stopped()) {
    const began = now();
    data.fill(sentinel, 0, TABLE_BYTES);
    const result = libc.ioctl(fd, POOL_IOC_SESSIONS, struct);
    if (result.ret < 0 && result.errno === EINTR) continue;
    if (result.ret < 0) return result;
    const count = struct.readUInt32LE(list.count);
    const stride = strideOf(count, writtenBytes(data.subarray(0, TABLE_BYTES), sentinel));
    const digest = stride === null ? null : digestOf(data, count, stride, counters);
    if (digest !== null && (before === null || !before.equals(digest))) {
      data.set(digest, DIGEST_AT);
      return { ret: digest.length, errno: 0 };
    }
    // The table's last byte happens to be the sentinel, or its rows have a length that whoever reads it has to tell of.
    if (digest === null) sentinel = sentinel === SENTINELS[0] ? SENTINELS[1] : SENTINELS[0];
    pause(Math.max(interval, COST_FACTOR * (now() - began)));
  }
  return { ret: -1, errno: EINTR };
}

function digestOf(table: Buffer, count: number, stride: number, counters: boolean): Buffer {
  const digest = Buffer.alloc(count * DIGEST_ROW_BYTES);
  for (let n = 0; n < count; n += 1) {
    const from = n * stride;
    const to = n * DIGEST_ROW_BYTES;
    digest[to] = table[from + row.index]!;
    digest[to + 1] = table[from + row.state]!;
    table.copy(digest, to + 2, from + row.sessionId, from + row.sessionId + SESSION_ID_SIZE);
    const packets = from + row.packetsRecv;
    if (counters) table.copy(digest, to + 18, packets, packets + 8);
    else
      digest[to + 18] =
        table.readUInt32LE(packets + 4) > 0 ? FIRST_PACKETS : Math.min(table.readUInt32LE(packets), FIRST_PACKETS);
  }
  return digest;
}
