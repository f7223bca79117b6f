/**
 * The memory that a thread and the main thread share: words that say what the thread is doing, the struct of its ioctl, and
 * the data that the struct points to. It belongs to the main thread, so that it outlives every call, and its address stays
 * what it is.
 */
import { copyBytes, type CopyBytes } from '../../base/bytes.js';
import { MessageRing, RING_TABLE_BYTES } from './message-ring.js';

/** Indexes of the words. */
export const Word = {
  /** Written by the main thread: the id of the call that the thread must come back from. */
  STOP: 0,
  /** Written by the thread: the id of the call that it is in, from before it looks at STOP; 0 when in none. */
  CALL: 1,
  /** Written by the thread: its thread id. */
  TID: 2,
  /** Written by the thread: the id of the last call that it has finished, its result and its errno. */
  DONE: 3,
  RET: 4,
  ERRNO: 5,
  /** Written by the thread: the slot that it closes, plus 1, from before CLOSE_SESS until all of it is over; else 0. */
  CLOSING: 6,
  /** 1 while the thread holds the machine's turn to close. Whoever of the two sets it back to 0 gives the turn up. */
  TURN: 7,
  /** Written by the main thread: the id of the last order, and what it is; see OrderKind. */
  ORDER: 16,
  KIND: 17,
  FD: 18,
  REQUEST: 19,
  COUNT: 20,
  /** Written by the thread before it tells of its first result: it waits for orders in this memory. */
  WAITS: 21,
} as const;

/** How an order is told. */
export const OrderKind = {
  /** By a message to the thread's port. */
  MESSAGE: 0,
  /** In the words, as the others: an ioctl without a struct, one with it, and the two of transfers.ts. */
  BARE: 1,
  STRUCT: 2,
  RECEIVE: 3,
  SEND: 4,
  /** In the kind: an interruption that nobody asked for is not told, the call is made again. */
  RETRY: 8,
} as const;

const STRUCT_OFFSET = 128;
const STRUCT_BYTES = 64;
const DATA_OFFSET = STRUCT_OFFSET + STRUCT_BYTES;
/** Bytes: the longest message, and a table of 64 sessions with room for rows of up to 1024 bytes. */
const DATA_BYTES = 65536;
/** Bytes of data of a thread that receives or sends messages one after the other. */
export const TRANSFER_BYTES = 512 * 1024;

export class CallMemory {
  readonly shared: SharedArrayBuffer;
  readonly words: Int32Array;
  /** The struct that the ioctl is given. */
  readonly struct: Buffer;
  /** What the struct's pointer points to. */
  readonly data: Buffer;
  /** Messages received, in `data`. */
  readonly messages: MessageRing;
  /** Into the memory and out of it. */
  readonly copy: CopyBytes;

  /**
   * @param memory bytes of data, or the memory of another thread's CallMemory
   * @param copy what is made of `copy`
   */
  constructor(memory: number | SharedArrayBuffer = DATA_BYTES, copy = copyBytes) {
    const shared = typeof memory === 'number' ? new SharedArrayBuffer(DATA_OFFSET + memory + RING_TABLE_BYTES) : memory;
    const table = shared.byteLength - RING_TABLE_BYTES;
    this.shared = shared;
    this.copy = copy;
    this.words = new Int32Array(shared, 0, STRUCT_OFFSET / Int32Array.BYTES_PER_ELEMENT);
    this.struct = Buffer.from(shared, STRUCT_OFFSET, STRUCT_BYTES);
    this.data = Buffer.from(shared, DATA_OFFSET, table - DATA_OFFSET);
    this.messages = new MessageRing(new Int32Array(shared, table), this.data, DATA_BYTES, copy);
  }
}
