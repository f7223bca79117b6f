/**
 * The memory of a session's rings: a program's own, in which the device that serves it writes what came for the session and
 * reads what the program sends. {@link CHANNEL_RINGS} hands it over.
 */
import { RING_HEAD_BYTES, type RingMemory } from './record-ring.js';

/** Told to the device: one that knows another layout only refuses. */
export const SEGMENT_LAYOUT = 1;

/** Bytes of messages in each ring: eight of the longest. */
const RING_BYTES = 512 * 1024;
const STATUS_BYTES = 256;
const RING_SPACE = RING_HEAD_BYTES + RING_BYTES;

/** Bytes of all of it. */
export const SEGMENT_BYTES = STATUS_BYTES + 2 * RING_SPACE;

const Status = {
  /** errno of RECV once all messages are taken, where there will be no more; else 0. */
  RECEIVED: 0,
  /** errno of SEND, where no more messages are taken; else 0. */
  SENT: 1,
} as const;

export class RingSegment {
  readonly #status: Int32Array;
  /** From the program to the device. */
  readonly outgoing: RingMemory;
  /** From the device to the program. */
  readonly incoming: RingMemory;

  /** @param buffer {@link SEGMENT_BYTES} */
  constructor(buffer: ArrayBufferLike) {
    this.#status = new Int32Array(buffer, 0, STATUS_BYTES / Int32Array.BYTES_PER_ELEMENT);
    this.outgoing = { buffer, offset: STATUS_BYTES, bytes: RING_BYTES };
    this.incoming = { buffer, offset: STATUS_BYTES + RING_SPACE, bytes: RING_BYTES };
  }

  /** What RECV gives behind the last message; 0 while there may be more. To be read before the ring is found empty. */
  get receiveErrno(): number {
    return Atomics.load(this.#status, Status.RECEIVED);
  }

  set receiveErrno(errno: number) {
    Atomics.store(this.#status, Status.RECEIVED, errno);
  }

  /** What SEND gives; 0 while messages are taken. */
  get sendErrno(): number {
    return Atomics.load(this.#status, Status.SENT);
  }

  set sendErrno(errno: number) {
    Atomics.store(this.#status, Status.SENT, errno);
  }
}
