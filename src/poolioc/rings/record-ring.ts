/**
 * Messages from one process to another in memory that both have: one writes, the other takes, and neither waits. Every
 * message lies in one piece behind a header of its length and channel. Positions count bytes, modulo 2^32, and each side
 * believes only its own: what the other one wrote is looked at before it is used, since it may be anything.
 */
import { PoolError } from '../../base/errors.js';
import { MAX_PAYLOAD } from '../abi/constants.js';

/** Of the words that both sides have, each on a cache line of its own. */
const Word = {
  /** Bytes written, by the writer. */
  WRITTEN: 0,
  /** Bytes taken, by the reader. */
  TAKEN: 16,
  /** 1 while the reader has found nothing, and is to be told of the next message. */
  IDLE: 32,
  /** One more than the bytes that may be left when the writer is to be told; 0 while it is not. */
  WANTED: 48,
} as const;

/** Bytes of words before the messages. */
export const RING_HEAD_BYTES = 256;

const HEADER_BYTES = 8;
/** In place of a length: the next message lies at the beginning. */
const TO_THE_BEGINNING = 0xffffffff;
/** Bytes used of an empty ring before it begins anew: memory that is used over and over stays in the CPU's cache. */
const KEPT_WARM = 64 * 1024;

/** What both sides share; `bytes` of messages are a power of two, and hold two of the longest at least. */
export interface RingMemory {
  buffer: ArrayBufferLike;
  offset: number;
  bytes: number;
}

/** What both ends of a ring know. */
class RingEnd {
  protected readonly words: Int32Array;
  protected readonly header: Uint32Array;
  protected readonly data: Uint8Array;
  protected readonly bytes: number;

  constructor({ buffer, offset, bytes }: RingMemory) {
    this.words = new Int32Array(buffer, offset, RING_HEAD_BYTES / Int32Array.BYTES_PER_ELEMENT);
    this.header = new Uint32Array(buffer, offset + RING_HEAD_BYTES, bytes / Uint32Array.BYTES_PER_ELEMENT);
    this.data = new Uint8Array(buffer, offset + RING_HEAD_BYTES, bytes);
    this.bytes = bytes;
  }

  /** Bytes between the two positions. @throws PoolError EPROTO where they are none of a ring */
  protected between(written: number, taken: number): number {
    const used = (written - taken) >>> 0;
    if (used > this.bytes || used % HEADER_BYTES !== 0) throw broken('its positions are none');
    return used;
  }
}

export class RingWriter extends RingEnd {
  #written = 0;

  /** Copies a message of 0 to 65535 bytes in. False where there is no room now. @throws PoolError EPROTO, of a ring that the other side broke */
  put(channel: number, message: Uint8Array): boolean {
    const { bytes } = this;
    const length = HEADER_BYTES + ((message.length + 7) & ~7);
    const used = this.#used();
    const at = this.#written % bytes;
    const behind = bytes - at;
    const anew = length > behind || (used === 0 && at >= KEPT_WARM && behind + length <= bytes);
    const skipped = anew ? behind : 0;
    if (used + skipped + length > bytes) return false;
    if (skipped > 0) this.header[at / 4] = TO_THE_BEGINNING;
    const place = skipped > 0 ? 0 : at;
    this.header[place / 4] = message.length;
    this.header[place / 4 + 1] = channel;
    this.data.set(message, place + HEADER_BYTES);
    this.#written = (this.#written + skipped + length) >>> 0;
    Atomics.store(this.words, Word.WRITTEN, this.#written | 0);
    return true;
  }

  /** Whether the reader is to be told of what was put; once for all of it. */
  tells(): boolean {
    return Atomics.load(this.words, Word.IDLE) === 1 && Atomics.exchange(this.words, Word.IDLE, 0) === 1;
  }

  /** Whether all has been taken. */
  get empty(): boolean {
    return Atomics.load(this.words, Word.TAKEN) === (this.#written | 0);
  }

  /** Asks to be told when half of the ring is free. False where it is by now. */
  wantRoom(): boolean {
    return this.#want(this.bytes / 2);
  }

  /** Asks to be told when all has been taken. False where it has been by now. */
  wantEmpty(): boolean {
    return this.#want(0);
  }

  #want(left: number): boolean {
    Atomics.store(this.words, Word.WANTED, left + 1);
    if (this.#used() > left) return true;
    Atomics.store(this.words, Word.WANTED, 0);
    return false;
  }

  #used(): number {
    return this.between(this.#written, Atomics.load(this.words, Word.TAKEN));
  }
}

/** A message as it lies in the ring, until `took`. */
export interface RingMessage {
  channel: number;
  data: Uint8Array;
}

export class RingReader extends RingEnd {
  #taken = 0;
  /** Behind the message that `next` gave. */
  #behind = 0;

  /** The oldest message, the same one until `took`; null where there is none. @throws PoolError EPROTO, of a ring that the other side broke */
  next(): RingMessage | null {
    const written = Atomics.load(this.words, Word.WRITTEN);
    let used = this.between(written, this.#taken);
    if (used === 0) return null;
    let at = this.#taken % this.bytes;
    let skipped = 0;
    if (this.header[at / 4] === TO_THE_BEGINNING) {
      skipped = this.bytes - at;
      at = 0;
      used -= skipped;
    }
    const length = this.header[at / 4]!;
    const channel = this.header[at / 4 + 1]! & 0xff;
    const taken = HEADER_BYTES + ((length + 7) & ~7);
    if (length > MAX_PAYLOAD || taken > used || at + taken > this.bytes)
      throw broken(`a message of ${length} bytes is none`);
    this.#behind = (this.#taken + skipped + taken) >>> 0;
    const begin = at + HEADER_BYTES;
    return { channel, data: this.data.subarray(begin, begin + length) };
  }

  /** Whether there is no message. */
  get empty(): boolean {
    return Atomics.load(this.words, Word.WRITTEN) === (this.#taken | 0);
  }

  /** The message that `next` gave is taken. @returns whether the writer is to be told of the room */
  took(): boolean {
    this.#taken = this.#behind;
    Atomics.store(this.words, Word.TAKEN, this.#taken | 0);
    const wanted = Atomics.load(this.words, Word.WANTED);
    if (wanted === 0) return false;
    const left = this.between(Atomics.load(this.words, Word.WRITTEN), this.#taken);
    return left < wanted && Atomics.exchange(this.words, Word.WANTED, 0) !== 0;
  }

  /** Takes the messages that are there by now, and none that is written meanwhile, until `take` wants no more. @throws as `next` */
  takeAll(take: (message: RingMessage) => boolean): void {
    const end = Atomics.load(this.words, Word.WRITTEN);
    while (((end - this.#taken) | 0) > 0) {
      const message = this.next();
      if (message === null || !take(message)) return;
      this.took();
    }
  }

  /** Whether there is nothing to take: then the writer tells of the next message. */
  rest(): boolean {
    if (!this.empty) return false;
    Atomics.store(this.words, Word.IDLE, 1);
    if (this.empty) return true;
    Atomics.store(this.words, Word.IDLE, 0);
    return false;
  }
}

function broken(what: string): PoolError {
  return new PoolError('EPROTO', `the other side of a session's rings wrote into them what it must not: ${what}`);
}
