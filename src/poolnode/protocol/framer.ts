/**
 * From a TCP stream to packets (wire protocol, Framing): chunks in, whole packets out on demand. Payloads are handed on as
 * the pieces they came in, so that only a header is ever copied.
 */
import { GATHER_BELOW_BYTES, HEADER_BYTES } from './constants.js';
import { Header } from './header.js';

/** Size of the buffers that gather chunks below GATHER_BELOW_BYTES. */
const GATHER_BYTES = 4_096;

/** A packet as it came. What a Framer gives is valid until its next `next`; `keep` makes one that stays. */
export class Packet {
  readonly header = new Header();
  /** The payload's bytes in order; ciphertext and tag where it is encrypted. */
  payload: readonly Uint8Array[] = [];

  keep(): Packet {
    const copy = new Packet();
    copy.header.bytes.set(this.header.bytes);
    copy.header.hmac.set(this.header.hmac);
    copy.payload = [this.joined()];
    return copy;
  }

  /** The payload in one piece, a copy. */
  joined(): Uint8Array {
    const whole = new Uint8Array(this.header.payloadLength);
    let at = 0;
    for (const piece of this.payload) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }
}

/** Looks at a complete header before any of its payload is held, and throws where the state does not allow it. */
export type HeaderPolicy = (header: Header) => void;

export class Framer {
  readonly #packet = new Packet();
  readonly #chunks: Uint8Array[] = [];
  /** Bytes of the first chunk that were consumed. */
  #consumed = 0;
  #buffered = 0;
  #headerDone = false;
  #gather: { bytes: Uint8Array; end: number } | null = null;

  /** Bytes held: at most a header, one payload, and what the last chunk brought beyond. */
  get bufferedBytes(): number {
    return this.#buffered;
  }

  /** A packet has begun and is not complete. */
  get partial(): boolean {
    return this.#headerDone || this.#buffered > 0;
  }

  /** Takes bytes from the stream; keeps the chunk by reference until it is consumed. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#buffered += chunk.length;
    // Gathering only ever adds behind a view that is still queued, so nothing that was handed out changes.
    if (this.#chunks.length > 0 && chunk.length < GATHER_BELOW_BYTES) this.#append(chunk);
    else {
      this.#chunks.push(chunk);
      this.#gather = null;
    }
  }

  /** The next whole packet, or null. Throws what `policy` throws; the stream is of no use then. */
  next(policy?: HeaderPolicy): Packet | null {
    const { header } = this.#packet;
    if (!this.#headerDone) {
      if (this.#buffered < HEADER_BYTES) return null;
      this.#copyInto(header.bytes);
      header.parted();
      this.#headerDone = true;
      policy?.(header);
    }
    const size = header.payloadLength;
    if (this.#buffered < size) return null;
    this.#headerDone = false;
    this.#packet.payload = this.#take(size);
    return this.#packet;
  }

  /** Lets go of everything. */
  clear(): void {
    this.#chunks.length = 0;
    this.#consumed = 0;
    this.#buffered = 0;
    this.#headerDone = false;
    this.#gather = null;
    this.#packet.payload = [];
  }

  #append(chunk: Uint8Array): void {
    let gather = this.#gather;
    if (gather === null || gather.bytes.length - gather.end < chunk.length) {
      gather = this.#gather = { bytes: new Uint8Array(GATHER_BYTES), end: 0 };
      this.#chunks.push(gather.bytes);
    }
    gather.bytes.set(chunk, gather.end);
    gather.end += chunk.length;
    this.#chunks[this.#chunks.length - 1] = gather.bytes.subarray(0, gather.end);
  }

  #copyInto(target: Uint8Array): void {
    const first = this.#chunks[0]!;
    if (first.length - this.#consumed > target.length) {
      // The usual case without an array: the header lies within one chunk.
      const from = this.#consumed;
      for (let i = 0; i < target.length; i++) target[i] = first[from + i]!;
      this.#consumed += target.length;
      this.#buffered -= target.length;
      return;
    }
    let at = 0;
    for (const piece of this.#take(target.length)) {
      target.set(piece, at);
      at += piece.length;
    }
  }

  #take(size: number): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    let wanted = size;
    while (wanted > 0) {
      const first = this.#chunks[0]!;
      const end = Math.min(first.length, this.#consumed + wanted);
      pieces.push(this.#consumed === 0 && end === first.length ? first : first.subarray(this.#consumed, end));
      wanted -= end - this.#consumed;
      if (end < first.length) this.#consumed = end;
      else {
        this.#chunks.shift();
        this.#consumed = 0;
      }
    }
    this.#buffered -= size;
    return pieces;
  }
}
