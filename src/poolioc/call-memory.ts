/**
 * The memory that a thread and the main thread share: words that say what the thread is doing, the struct of its ioctl, and
 * the data that the struct points to. It belongs to the main thread, so that it outlives every call, and its address stays
 * what it is.
 */

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
} as const;

const STRUCT_OFFSET = 64;
const STRUCT_BYTES = 64;
const DATA_OFFSET = STRUCT_OFFSET + STRUCT_BYTES;
/** Bytes: the longest message, and a table of 64 sessions with room for rows of up to 1024 bytes. */
export const DATA_BYTES = 65536;

export class CallMemory {
  readonly shared: SharedArrayBuffer;
  readonly words: Int32Array;
  /** The struct that the ioctl is given. */
  readonly struct: Buffer;
  /** What the struct's pointer points to. */
  readonly data: Buffer;

  constructor(shared = new SharedArrayBuffer(DATA_OFFSET + DATA_BYTES)) {
    this.shared = shared;
    this.words = new Int32Array(shared, 0, STRUCT_OFFSET / Int32Array.BYTES_PER_ELEMENT);
    this.struct = Buffer.from(shared, STRUCT_OFFSET, STRUCT_BYTES);
    this.data = Buffer.from(shared, DATA_OFFSET, DATA_BYTES);
  }
}
