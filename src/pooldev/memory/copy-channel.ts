/**
 * The shared memory over which the device's thread asks a copying thread for one copy at a time, and its states.
 *
 *     IDLE --ask--> ASKED --(copying thread)--> RUNNING --> DONE --(device's thread)--> IDLE
 *                     |
 *                     +--cancel--> IDLE          STOP ends the thread from any state but RUNNING
 *
 * ASKED is left by compare-and-exchange only, so a copy either runs or was cancelled, never both.
 */

export const CopyState = { IDLE: 0, ASKED: 1, RUNNING: 2, DONE: 3, STOP: 4 } as const;

/** The largest copy: a message of 65535 bytes. */
export const MAX_COPY_BYTES = 65535;

const WORDS_BYTES = 32;
const ADDRESS_BYTES = 8;

/** One side's view of the shared memory. */
export interface CopyChannel {
  shared: SharedArrayBuffer;
  /** See Word. */
  words: Int32Array;
  /** One: in the caller's memory. */
  address: BigUint64Array;
  data: Buffer;
}

export const CopyWord = { STATE: 0, DIRECTION: 1, PID: 2, PIN: 3, LENGTH: 4, RESULT: 5 } as const;
export const Direction = { FROM_CALLER: 0, TO_CALLER: 1 } as const;

export function copyChannel(
  shared = new SharedArrayBuffer(WORDS_BYTES + ADDRESS_BYTES + MAX_COPY_BYTES + 1),
): CopyChannel {
  return {
    shared,
    words: new Int32Array(shared, 0, WORDS_BYTES / 4),
    address: new BigUint64Array(shared, WORDS_BYTES, 1),
    data: Buffer.from(shared, WORDS_BYTES + ADDRESS_BYTES, MAX_COPY_BYTES),
  };
}
