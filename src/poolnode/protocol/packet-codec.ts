/**
 * Packets under keys (wire protocol, Established packets): ChaCha20-Poly1305 over the payload, then HMAC-SHA256 over header
 * and ciphertext, on every packet. Receiving goes the other way: HMAC, header, and only then decryption.
 */
import {
  Flag,
  HEADER_BYTES,
  NONCE_BYTES,
  NONCE_PREFIX_BYTES,
  PROTOCOL_VERSION,
  SESSION_ID_BYTES,
  SINGLE_PIECE_BYTES,
  TAG_BYTES,
} from './constants.js';
import { violation } from './faults.js';
import type { Packet } from './framer.js';
import { writeHeader, writeHmac, type HeaderFields } from './header.js';
import type { Outbox } from './outbox.js';
import type { OwnSequence } from './sequence.js';
import type { Crypto, PacketCrypto } from './types.js';

const EMPTY = new Uint8Array(0);

/**
 * Nonces: 4 bytes of the HMAC key, then the sequence number, little-endian as the module writes it. One buffer serves all
 * packets: a PacketCrypto has read it when it returns.
 */
class Nonce {
  readonly #bytes = new Uint8Array(NONCE_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);

  of(keys: PacketCrypto, seq: bigint): Uint8Array {
    this.#bytes.set(keys.noncePrefix);
    this.#view.setBigUint64(NONCE_PREFIX_BYTES, seq, true);
    return this.#bytes;
  }
}

/** Writes the packets of one side into its outbox, numbering them. */
export class PacketWriter {
  readonly #outbox: Outbox;
  readonly #sequence: OwnSequence;
  readonly #timestampOffset: bigint;
  readonly #nonce = new Nonce();
  readonly #fields: HeaderFields;

  constructor(outbox: Outbox, sequence: OwnSequence, timestampOffset: bigint) {
    this.#outbox = outbox;
    this.#sequence = sequence;
    this.#timestampOffset = timestampOffset;
    this.#fields = {
      type: 0,
      flags: 0,
      seq: 0n,
      ack: 0n,
      sessionId: new Uint8Array(SESSION_ID_BYTES),
      timestamp: 0n,
      payloadLength: 0,
      channel: 0,
    };
  }

  /** The id of all packets from here on; zeros before that. */
  set sessionId(id: Uint8Array) {
    this.#fields.sessionId = id;
  }

  /** The number of the last packet received; 0 before the first. */
  set ack(seq: bigint) {
    this.#fields.ack = seq;
  }

  /** A packet of the handshake before there are keys. Returns the bytes on the wire. */
  writePlain(type: number, payload: Uint8Array, now: bigint): number {
    this.#start(type, Flag.None, 0, payload.length, now);
    const at = this.#outbox.reserve(HEADER_BYTES + payload.length);
    const { slab, view } = this.#outbox;
    writeHeader(slab, view, at, this.#fields);
    slab.set(payload, at + HEADER_BYTES);
    return HEADER_BYTES + payload.length;
  }

  /**
   * A packet under `keys`; ENCRYPTED is set where there is a payload. `plaintext` is consumed when this returns. Returns the
   * bytes on the wire.
   */
  write(keys: PacketCrypto, type: number, flags: number, channel: number, plaintext: Uint8Array, now: bigint): number {
    const empty = plaintext.length === 0;
    const payloadLength = empty ? 0 : plaintext.length + TAG_BYTES;
    this.#start(type, empty ? flags : flags | Flag.Encrypted, channel, payloadLength, now);
    const sealed = empty ? [] : keys.seal(this.#nonce.of(keys, this.#fields.seq), plaintext);
    if (payloadLength <= SINGLE_PIECE_BYTES) this.#writeWhole(keys, sealed, payloadLength);
    else this.#writePieces(keys, sealed);
    return HEADER_BYTES + payloadLength;
  }

  #start(type: number, flags: number, channel: number, payloadLength: number, now: bigint): void {
    const fields = this.#fields;
    fields.seq = this.#sequence.take();
    fields.type = type;
    fields.flags = flags;
    fields.channel = channel;
    fields.payloadLength = payloadLength;
    fields.timestamp = now + this.#timestampOffset;
  }

  #writeWhole(keys: PacketCrypto, sealed: readonly Uint8Array[], payloadLength: number): void {
    const at = this.#outbox.reserve(HEADER_BYTES + payloadLength);
    const { slab, view } = this.#outbox;
    writeHeader(slab, view, at, this.#fields);
    let end = at + HEADER_BYTES;
    for (const piece of sealed) {
      slab.set(piece, end);
      end += piece.length;
    }
    writeHmac(slab, at, keys.mac([slab.subarray(at, end)]));
  }

  #writePieces(keys: PacketCrypto, sealed: readonly Uint8Array[]): void {
    const at = this.#outbox.reserve(HEADER_BYTES);
    const { slab, view } = this.#outbox;
    writeHeader(slab, view, at, this.#fields);
    writeHmac(slab, at, keys.mac([slab.subarray(at, at + HEADER_BYTES), ...sealed]));
    for (const piece of sealed) {
      if (piece.length > TAG_BYTES) {
        this.#outbox.push(piece);
        continue;
      }
      // Next to the header that follows, so that a packet is two pieces and not three.
      const tail = this.#outbox.reserve(piece.length);
      this.#outbox.slab.set(piece, tail);
    }
  }
}

/** Opens the packets of the peer, one check after the other. */
export class PacketOpener {
  readonly #crypto: Crypto;
  readonly #nonce = new Nonce();

  constructor(crypto: Crypto) {
    this.#crypto = crypto;
  }

  /** First: whether the HMAC is right under `keys`. */
  authentic(keys: PacketCrypto, packet: Packet): boolean {
    const { payload } = packet;
    const pieces = payload.length === 0 ? [packet.header.bytes] : [packet.header.bytes, ...payload];
    return this.#crypto.equal(keys.mac(pieces), packet.header.hmac);
  }

  /** Last: the plaintext, freshly allocated, or null where the tag is wrong. */
  open(keys: PacketCrypto, packet: Packet): Uint8Array | null {
    if (packet.header.payloadLength === 0) return EMPTY;
    return keys.open(this.#nonce.of(keys, packet.header.seq), packet.payload);
  }
}

/** Second: what must hold of every packet once there are keys. The type's own rules and the sequence come after it. */
export function checkHeader({ header }: Packet, sessionId: Uint8Array): void {
  if (header.version !== PROTOCOL_VERSION) throw violation(`version ${header.version} instead of ${PROTOCOL_VERSION}`);
  if (!header.isOf(sessionId)) throw violation('a packet of another session');
  if (!header.reservedIsZero) throw violation('a reserved header byte is not zero');
  const { flags, payloadLength } = header;
  if ((flags & Flag.Compressed) !== 0) throw violation('a compressed payload: compression is refused');
  if (payloadLength === 0) return;
  if ((flags & Flag.Encrypted) === 0) throw violation('a payload that is not encrypted');
  if (payloadLength < TAG_BYTES) throw violation('an encrypted payload shorter than its tag');
}
