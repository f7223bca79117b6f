/**
 * From a TCP stream to packets (wire protocol, Framing): chunks in, whole packets out on demand. A payload that lies within
 * one chunk is handed on where it lies; one that was cut is put together in memory that the next such payload reuses.
 */
import { GATHER_BELOW_BYTES, HEADER_BYTES, MAX_PAYLOAD_BYTES, NO_BYTES } from './constants.js';
import { Header, writeHmac } from './header.js';

/** Size of the buffers that gather chunks below GATHER_BELOW_BYTES. */
const GATHER_BYTES = 4_096;

/** A packet as it came. What a Framer gives is valid until its next `next`; `keep` makes one that stays. */
export class Packet {
  readonly header = new Header();
  /** Where the payload lies, ciphertext and tag if it is encrypted: `bytes` from `from` up to `to`. */
  bytes: Uint8Array = NO_BYTES;
  from = 0;
  to = 0;

  keep(): Packet {
    const copy = new Packet();
    copy.header.bytes.set(this.header.bytes);
    copy.header.hmac.set(this.header.hmac);
    copy.bytes = this.copyPayload();
    copy.to = copy.bytes.length;
    return copy;
  }

  copyPayload(): Uint8Array {
    return this.bytes.slice(this.from, this.to);
  }

  /** Header, with the HMAC field as it came, and payload: a copy. */
  copyWire(): Uint8Array {
    const wire = new Uint8Array(HEADER_BYTES + this.to - this.from);
    wire.set(this.header.bytes);
    writeHmac(wire, 0, this.header.hmac);
    wire.set(this.bytes.subarray(this.from, this.to), HEADER_BYTES);
    return wire;
  }
}

/** Looks at a complete header before any of its payload is held, and throws where the state does not allow it. */
export type HeaderPolicy = (header: Header) => void;

export class Framer {
  readonly #packet = new Packet();
  readonly #chunks: Uint8Array[] = [];
  /** Bytes of the first chunk that were consumed. */
  #consumed = 0;
  /** Bytes in chunks that were not. */
  #queued = 0;
  /** How much of the header is in the packet. */
  #headerBytes = 0;
  /** How much of a payload that was cut is in `#assembly`. */
  #assembled = 0;
  #assembly: Uint8Array | null = null;
  #gather: { bytes: Uint8Array; end: number } | null = null;

  /** Bytes held: at most a header, one payload, and what the last chunk brought beyond. */
  get bufferedBytes(): number {
    return this.#queued + this.#headerBytes + this.#assembled;
  }

  /** A packet has begun and is not complete. */
  get partial(): boolean {
    return this.#headerBytes > 0 || this.#queued > 0;
  }

  /** Takes bytes from the stream; keeps the chunk by reference until it is consumed, or until `detach`. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#queued += chunk.length;
    // Gathering only ever adds behind a view that is still queued, so nothing that was handed out changes.
    if (this.#chunks.length > 0 && chunk.length < GATHER_BELOW_BYTES) this.#append(chunk);
    else {
      this.#chunks.push(chunk);
      this.#gather = null;
    }
  }

  /** Copies what is still queued: the chunks' memory is their owner's again. A packet that was handed out is done with. */
  detach(): void {
    this.#letGo();
    if (this.#queued === 0) return;
    const rest = new Uint8Array(this.#queued);
    let at = 0;
    for (const chunk of this.#chunks) {
      rest.set(at === 0 ? chunk.subarray(this.#consumed) : chunk, at);
      at += at === 0 ? chunk.length - this.#consumed : chunk.length;
    }
    this.#chunks.length = 0;
    this.#chunks.push(rest);
    this.#consumed = 0;
    this.#gather = null;
  }

  /** The next whole packet, or null. Throws what `policy` throws; the stream is of no use then. */
  next(policy?: HeaderPolicy): Packet | null {
    const packet = this.#packet;
    const { header } = packet;
    this.#letGo();
    if (this.#headerBytes < HEADER_BYTES) {
      if (!this.#readHeader(header.bytes)) return null;
      header.parted();
      policy?.(header);
    }
    const size = header.payloadLength;
    const first = this.#chunks[0];
    if (size === 0) {
      packet.bytes = NO_BYTES;
      packet.from = packet.to = 0;
    } else if (this.#assembled === 0 && first !== undefined && first.length - this.#consumed >= size) {
      packet.bytes = first;
      packet.from = this.#consumed;
      packet.to = this.#consumed + size;
      this.#consume(first, size);
    } else {
      this.#assembly ??= takeAssembly(size);
      this.#assembled = this.#copyInto(this.#assembly, this.#assembled, size);
      if (this.#assembled < size) return null;
      packet.bytes = this.#assembly;
      packet.from = 0;
      packet.to = size;
      this.#assembled = 0;
    }
    this.#headerBytes = 0;
    return packet;
  }

  /** Lets go of everything. */
  clear(): void {
    this.#chunks.length = 0;
    this.#consumed = 0;
    this.#queued = 0;
    this.#headerBytes = 0;
    this.#assembled = 0;
    this.#gather = null;
    this.#letGo();
  }

  /** The packet that was handed out is done with. */
  #letGo(): void {
    const packet = this.#packet;
    if (this.#assembly !== null && this.#assembled === 0) {
      giveAssembly(this.#assembly);
      this.#assembly = null;
    }
    packet.bytes = NO_BYTES;
    packet.from = packet.to = 0;
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

  /** Whether all of the header is there. */
  #readHeader(target: Uint8Array): boolean {
    const first = this.#chunks[0];
    if (first === undefined) return false;
    if (this.#headerBytes === 0 && first.length - this.#consumed >= HEADER_BYTES) {
      // The usual case without a view: the header lies within one chunk.
      const from = this.#consumed;
      for (let i = 0; i < HEADER_BYTES; i++) target[i] = first[from + i]!;
      this.#consume(first, HEADER_BYTES);
      this.#headerBytes = HEADER_BYTES;
    } else {
      this.#headerBytes = this.#copyInto(target, this.#headerBytes, HEADER_BYTES);
    }
    return this.#headerBytes === HEADER_BYTES;
  }

  /** Copies from the chunks into `target` from `at` on, at most up to `end`. Returns how far it came. */
  #copyInto(target: Uint8Array, at: number, end: number): number {
    for (let first = this.#chunks[0]; first !== undefined && at < end; first = this.#chunks[0]) {
      const size = Math.min(first.length - this.#consumed, end - at);
      target.set(first.subarray(this.#consumed, this.#consumed + size), at);
      at += size;
      this.#consume(first, size);
    }
    return at;
  }

  #consume(first: Uint8Array, size: number): void {
    this.#queued -= size;
    this.#consumed += size;
    if (this.#consumed < first.length) return;
    this.#chunks.shift();
    this.#consumed = 0;
  }
}

/** Shorter payloads are put together in memory of their own. */
const SHORT_BYTES = 4_096;
const MOST_SPARE = 8;
/** For payloads that were cut: of ciphertext only, and so whoever comes next may have it. Of one thread, as all of this. */
const spare: Uint8Array[] = [];

function takeAssembly(size: number): Uint8Array {
  if (size <= SHORT_BYTES) return new Uint8Array(size);
  return spare.pop() ?? new Uint8Array(MAX_PAYLOAD_BYTES);
}

function giveAssembly(assembly: Uint8Array): void {
  if (assembly.length === MAX_PAYLOAD_BYTES && spare.length < MOST_SPARE) spare.push(assembly);
}
