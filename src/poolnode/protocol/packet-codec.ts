/**
 * Packets under keys (wire protocol, Established packets): ChaCha20-Poly1305 over the payload, then HMAC-SHA256 over header
 * and ciphertext, on every packet. Receiving goes the other way: HMAC, header, and only then decryption.
 */
import {
  Flag,
  HEADER_BYTES,
  NONCE_BYTES,
  NONCE_PREFIX_BYTES,
  NO_BYTES,
  PROTOCOL_VERSION,
  TAG_BYTES,
} from './constants.js';
import { unauthentic, violation } from './faults.js';
import type { HeaderPolicy, Packet } from './framer.js';
import { HeaderWords, HMAC_AT, writeHeaderWords } from './header.js';
import type { Outbox } from './outbox.js';
import type { OwnSequence } from './sequence.js';
import type { PacketCrypto } from './types.js';

/**
 * Nonces: 4 bytes of the HMAC key, then the sequence number, little-endian as the module writes it. One buffer serves all
 * packets: a PacketCrypto has read it when it returns.
 */
class Nonce {
  readonly #bytes = new Uint8Array(NONCE_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  /** Whose prefix stands there. */
  #keys: PacketCrypto | null = null;

  of(keys: PacketCrypto, high: number, low: number): Uint8Array {
    if (keys !== this.#keys) {
      this.#bytes.set(keys.noncePrefix);
      this.#keys = keys;
    }
    this.#view.setUint32(NONCE_PREFIX_BYTES, low, true);
    this.#view.setUint32(NONCE_PREFIX_BYTES + 4, high, true);
    return this.#bytes;
  }
}

/** Writes the packets of one side into its outbox, numbering them. */
export class PacketWriter {
  readonly #outbox: Outbox;
  readonly #sequence: OwnSequence;
  readonly #timestampOffset: bigint;
  readonly #nonce = new Nonce();
  readonly #words = new HeaderWords();
  /** The time that stands in `#words`: packets of one turn of the event loop share it. */
  #now: bigint | null = null;

  constructor(outbox: Outbox, sequence: OwnSequence, timestampOffset: bigint) {
    this.#outbox = outbox;
    this.#sequence = sequence;
    this.#timestampOffset = timestampOffset;
  }

  /** The id of all packets from here on; zeros before that. */
  set sessionId(id: Uint8Array) {
    this.#words.setSessionId(id);
  }

  /** The number of the last packet received; 0 before the first. */
  set ack(seq: bigint) {
    this.#words.ack.set(seq);
  }

  /** As `ack`. */
  acknowledge(high: number, low: number): void {
    this.#words.ack.put(high, low);
  }

  /** A packet of the handshake before there are keys. Returns it, in memory that is the outbox's. */
  writePlain(type: number, payload: Uint8Array, now: bigint): Uint8Array {
    const size = HEADER_BYTES + payload.length;
    this.#start(type, Flag.None, 0, payload.length, now);
    const at = this.#outbox.reserve(size);
    writeHeaderWords(this.#outbox.view, at, this.#words);
    this.#outbox.slab.set(payload, at + HEADER_BYTES);
    return this.#outbox.slab.subarray(at, at + size);
  }

  /**
   * A packet under `keys`; ENCRYPTED is set where there is a payload. `plaintext` is consumed when this returns. Returns the
   * bytes on the wire.
   */
  write(keys: PacketCrypto, type: number, flags: number, channel: number, plaintext: Uint8Array, now: bigint): number {
    const empty = plaintext.length === 0;
    const payloadLength = empty ? 0 : plaintext.length + TAG_BYTES;
    const size = HEADER_BYTES + payloadLength;
    this.#start(type, empty ? flags : flags | Flag.Encrypted, channel, payloadLength, now);
    const at = this.#outbox.reserve(size);
    const { slab, view } = this.#outbox;
    try {
      writeHeaderWords(view, at, this.#words);
      const { seq } = this.#words;
      if (!empty) keys.seal(this.#nonce.of(keys, seq.high, seq.low), plaintext, slab, at + HEADER_BYTES);
      keys.sign(slab, at, at + size, at + HMAC_AT);
    } catch (error) {
      // What stands there is no packet.
      this.#outbox.unreserve(size);
      throw error;
    }
    return size;
  }

  #start(type: number, flags: number, channel: number, payloadLength: number, now: bigint): void {
    const words = this.#words;
    this.#sequence.takeInto(words.seq);
    words.type = type;
    words.flags = flags;
    words.channel = channel;
    words.payloadLength = payloadLength;
    if (now === this.#now) return;
    this.#now = now;
    words.timestamp.set(now + this.#timestampOffset);
  }
}

/** Opens the packets of the peer, one check after the other. */
export class PacketOpener {
  readonly #nonce = new Nonce();

  /** First: whether the HMAC is right under `keys`. */
  authentic(keys: PacketCrypto, { header, bytes, from, to }: Packet): boolean {
    return keys.verify(header.hmac, header.bytes, bytes, from, to);
  }

  /** Last: the plaintext, which is its taker's to keep, or null where the tag is wrong. */
  open(keys: PacketCrypto, { header, bytes, from, to }: Packet): Uint8Array | null {
    if (from === to) return NO_BYTES;
    return keys.open(this.#nonce.of(keys, header.seqHigh, header.seqLow), bytes, from, to);
  }
}

/**
 * Before all of that, as soon as a header is there: whether it can be one of this session's. A stream that lost or gained a
 * byte shows here, and not only when a payload of an accidental length is complete or late. It ends the session as a wrong
 * HMAC does, which it would have.
 */
export function headerOf(sessionId: Uint8Array): HeaderPolicy {
  return (header) => {
    const { version, reservedIsZero } = header;
    if (version !== PROTOCOL_VERSION || !reservedIsZero || !header.isOf(sessionId)) throw unauthentic();
  };
}

/** Second: what must hold of every packet once there are keys. The type's own rules and the sequence come after it. */
export function checkHeader({ header: { flags, payloadLength } }: Packet): void {
  if ((flags & Flag.Compressed) !== 0) throw violation('a compressed payload: compression is refused');
  if (payloadLength === 0) return;
  if ((flags & Flag.Encrypted) === 0) throw violation('a payload that is not encrypted');
  if (payloadLength < TAG_BYTES) throw violation('an encrypted payload shorter than its tag');
}
