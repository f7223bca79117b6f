/** The packet header: 80 bytes, big-endian (kernel contract, section 1, pool_header). */
import { HEADER_BYTES, HMAC_BYTES, PROTOCOL_VERSION, SESSION_ID_BYTES } from './constants.js';

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

/** What a sender decides of a header. Version, reserved bytes and a zero HMAC are added. */
export interface HeaderFields {
  type: number;
  flags: number;
  seq: bigint;
  ack: bigint;
  sessionId: Uint8Array;
  /** Nanoseconds, u64; taken modulo 2^64. */
  timestamp: bigint;
  payloadLength: number;
  channel: number;
}

/** Writes a header at `at` of `bytes`; `view` is over the same memory. The HMAC field becomes zero. */
export function writeHeader(bytes: Uint8Array, view: DataView, at: number, fields: HeaderFields): void {
  view.setUint8(at + AT.versionType, (PROTOCOL_VERSION << 4) | fields.type);
  view.setUint8(at + AT.reserved0, 0);
  view.setUint16(at + AT.flags, fields.flags);
  view.setBigUint64(at + AT.seq, fields.seq);
  view.setBigUint64(at + AT.ack, fields.ack);
  bytes.set(fields.sessionId, at + AT.sessionId);
  view.setBigUint64(at + AT.timestamp, fields.timestamp);
  view.setUint16(at + AT.payloadLength, fields.payloadLength);
  view.setUint8(at + AT.channel, fields.channel);
  view.setUint8(at + AT.reserved1, 0);
  bytes.fill(0, at + AT.hmac, at + HEADER_BYTES);
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
