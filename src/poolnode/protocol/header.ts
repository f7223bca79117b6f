/** The packet header: 80 bytes, big-endian (kernel contract, section 1, pool_header). */
import { HEADER_BYTES, HMAC_BYTES, PROTOCOL_VERSION, SESSION_ID_BYTES } from './constants.js';
import { Words } from './words.js';

const AT = Object.freeze({
  versionType: 0,
  reserved0: 1,
  flags: 2,
  seq: 4,
  ack: 12,
  sessionId: 20,
  timestamp: 36,
  payloadLength: 44,
  channel: 46,
  reserved1: 47,
  hmac: 48,
});

/** Where the HMAC stands within the header. */
export const HMAC_AT = AT.hmac;

/**
 * What a sender decides of a header; version, reserved bytes and a zero HMAC are added. Numbers of 64 bits are two of 32,
 * since a bigint is an object on the heap, and a packet has three. The timestamp is ns modulo 2^64.
 */
export class HeaderWords {
  type = 0;
  flags = 0;
  readonly seq = new Words();
  readonly ack = new Words();
  readonly sessionId = new Uint32Array(SESSION_ID_BYTES / 4);
  readonly timestamp = new Words();
  payloadLength = 0;
  channel = 0;

  setSessionId(id: Uint8Array): void {
    const view = new DataView(id.buffer, id.byteOffset, SESSION_ID_BYTES);
    for (let i = 0; i < this.sessionId.length; i++) this.sessionId[i] = view.getUint32(4 * i);
  }
}

/** Writes a header at `at` of the memory under `view`. The HMAC field becomes zero. */
export function writeHeaderWords(view: DataView, at: number, words: HeaderWords): void {
  const { sessionId } = words;
  view.setUint16(at + AT.versionType, (PROTOCOL_VERSION << 12) | (words.type << 8)); // and reserved0
  view.setUint16(at + AT.flags, words.flags);
  view.setUint32(at + AT.seq, words.seq.high);
  view.setUint32(at + AT.seq + 4, words.seq.low);
  view.setUint32(at + AT.ack, words.ack.high);
  view.setUint32(at + AT.ack + 4, words.ack.low);
  for (let i = 0; i < SESSION_ID_BYTES / 4; i++) view.setUint32(at + AT.sessionId + 4 * i, sessionId[i]!);
  view.setUint32(at + AT.timestamp, words.timestamp.high);
  view.setUint32(at + AT.timestamp + 4, words.timestamp.low);
  view.setUint16(at + AT.payloadLength, words.payloadLength);
  view.setUint16(at + AT.channel, words.channel << 8); // and reserved1
  for (let i = AT.hmac; i < HEADER_BYTES; i += 4) view.setUint32(at + i, 0);
}

/** Puts the HMAC of a packet into its header at `at` of `bytes`. */
export function writeHmac(bytes: Uint8Array, at: number, hmac: Uint8Array): void {
  bytes.set(hmac, at + AT.hmac);
}

/** A received header. Its HMAC is kept apart, since the HMAC is taken over a header with that field zero. */
export class Header {
  /** The 80 bytes, HMAC field zero. */
  readonly bytes = new Uint8Array(HEADER_BYTES);
  readonly hmac = new Uint8Array(HMAC_BYTES);
  readonly #view = new DataView(this.bytes.buffer);

  /** To be called when `bytes` holds a header as it came. */
  parted(): void {
    for (let i = 0; i < HMAC_BYTES; i++) {
      this.hmac[i] = this.bytes[AT.hmac + i]!;
      this.bytes[AT.hmac + i] = 0;
    }
  }

  get version(): number {
    return this.#view.getUint8(AT.versionType) >> 4;
  }
  get type(): number {
    return this.#view.getUint8(AT.versionType) & 0xf;
  }
  get flags(): number {
    return this.#view.getUint16(AT.flags);
  }
  get seq(): bigint {
    return this.#view.getBigUint64(AT.seq);
  }
  get seqHigh(): number {
    return this.#view.getUint32(AT.seq);
  }
  get seqLow(): number {
    return this.#view.getUint32(AT.seq + 4);
  }
  get ack(): bigint {
    return this.#view.getBigUint64(AT.ack);
  }
  get timestamp(): bigint {
    return this.#view.getBigUint64(AT.timestamp);
  }
  get payloadLength(): number {
    return this.#view.getUint16(AT.payloadLength);
  }
  get channel(): number {
    return this.#view.getUint8(AT.channel);
  }
  /** A copy. */
  get sessionId(): Uint8Array {
    return this.bytes.slice(AT.sessionId, AT.sessionId + SESSION_ID_BYTES);
  }
  get reservedIsZero(): boolean {
    return (this.bytes[AT.reserved0]! | this.bytes[AT.reserved1]!) === 0;
  }

  isOf(sessionId: Uint8Array): boolean {
    let difference = 0;
    for (let i = 0; i < SESSION_ID_BYTES; i++) difference |= this.bytes[AT.sessionId + i]! ^ sessionId[i]!;
    return difference === 0;
  }
}
