/** SESSIONS into the memory of a call, for whoever makes the call: a request that a thread carries out, or that thread itself. */
import type { CallMemory } from './call-memory.js';
import { MAX_SESSIONS } from '../abi/constants.js';
import { POOL_IOC_SESSIONS } from '../abi/ioctl.js';
import type { Libc } from '../libc.js';
import { SENTINELS, TABLE_BYTES, decodeRows, strideOf, writtenBytes } from '../abi/session-table.js';
import { offsetsOf, structs } from '../abi/structs.js';
import type { SessionInfo } from '../types.js';

const list = offsetsOf(structs.SessionList);

export interface SessionTableRead {
  count: number;
  written: number;
  /** Null: the rows have no length that is known here. */
  rows: SessionInfo[] | null;
}

export function askForTable(memory: CallMemory, libc: Pick<Libc, 'address'>, sentinel: number): void {
  const { struct, data } = memory;
  data.fill(sentinel, 0, TABLE_BYTES);
  struct.writeUInt32LE(MAX_SESSIONS, list.maxSessions);
  struct.writeBigUInt64LE(libc.address(data), list.infoPtr);
}

export function takeTable({ struct, data }: CallMemory, sentinel: number): SessionTableRead {
  const count = struct.readUInt32LE(list.count);
  const written = writtenBytes(data.subarray(0, TABLE_BYTES), sentinel);
  const stride = strideOf(count, written);
  return { count, written, rows: stride === null ? null : decodeRows(data, count, stride) };
}

/** The table; null where it can't be read. */
export function readTable(fd: number, memory: CallMemory, libc: Pick<Libc, 'address' | 'ioctl'>): SessionInfo[] | null {
  for (const sentinel of SENTINELS) {
    memory.struct.fill(0);
    askForTable(memory, libc, sentinel);
    if (libc.ioctl(fd, POOL_IOC_SESSIONS, memory.struct).ret < 0) return null;
    const { rows } = takeTable(memory, sentinel);
    if (rows !== null) return rows;
  }
  return null;
}
