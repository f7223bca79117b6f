/** The messages of an exchange: 160 bytes each, three of them (wire protocol, Authentication). */
import { PoolError } from '../../../base/errors.js';
import { ascii } from './keys.js';

/** The payload of a packet of type 0xF. */
const MESSAGE_BYTES = 160;
/** All but the MAC at the end. */
export const MACED_BYTES = 128;
/** What comes before the signature. */
export const SIGNED_BYTES = 64;

/** By number: the listener's offer, the dialler's proof, the listener's acceptance. */
export const MessageNumber = Object.freeze({ Offer: 1, Proof: 2, Accept: 3 });
export type MessageNumber = (typeof MessageNumber)[keyof typeof MessageNumber];

const Mode = Object.freeze({ keys: 1, psk: 2 });

const MAGIC = ascii('POOLAUTH');
const VERSION = 1;
const AT = Object.freeze({ version: 8, number: 9, mode: 10, demand: 11, reserved: 12, self: 16, publicKey: 32 });
const SIGNATURE_AT = SIGNED_BYTES;

/** What the fields of a message are; what a message doesn't have is null, and zero on the wire. */
export interface MessageFields {
  readonly number: MessageNumber;
  readonly mode: keyof typeof Mode;
  /** The offer alone: the dialler must prove itself. */
  readonly demand: boolean;
  /** The offer alone. */
  readonly self: Uint8Array | null;
  readonly publicKey: Uint8Array | null;
}

/** A message without signature and MAC. */
export function writeMessage({ number, mode, demand, self, publicKey }: MessageFields): Uint8Array {
  const message = new Uint8Array(MESSAGE_BYTES);
  message.set(MAGIC);
  message[AT.version] = VERSION;
  message[AT.number] = number;
  message[AT.mode] = Mode[mode];
  message[AT.demand] = demand ? 1 : 0;
  if (self !== null) message.set(self, AT.self);
  if (publicKey !== null) message.set(publicKey, AT.publicKey);
  return message;
}

export function setSignature(message: Uint8Array, signature: Uint8Array): void {
  message.set(signature, SIGNATURE_AT);
}

export function setMac(message: Uint8Array, mac: Uint8Array): void {
  message.set(mac, MACED_BYTES);
}

/** A message that came: its layout is right, its proofs are not looked at yet. */
export class ReceivedMessage {
  /** A copy, since the packet's memory is used again. */
  readonly bytes: Uint8Array;

  /** @throws PoolError ERR_POOL_AUTH_FAILED unless it is message `number` of `mode`, with all that must be zero zero */
  constructor(bytes: Uint8Array, number: MessageNumber, mode: keyof typeof Mode) {
    if (bytes.length !== MESSAGE_BYTES) throw refused(`a message of ${bytes.length} bytes`);
    this.bytes = bytes.slice();
    if (!startsWith(bytes, MAGIC)) throw refused('a message that is none of this protocol');
    if (bytes[AT.version] !== VERSION) throw refused(`version ${bytes[AT.version]} of the protocol`);
    if (bytes[AT.number] !== number) throw refused(`message ${bytes[AT.number]} where ${number} was due`);
    if (bytes[AT.mode] !== Mode[mode]) throw refused(modeDiffers(mode));
    if (bytes[AT.demand]! > (number === MessageNumber.Offer ? 1 : 0)) throw refused('a demand that there is not');
    if (!isZero(bytes.subarray(AT.reserved, AT.self))) throw refused('reserved bytes that are not zero');
    if (number !== MessageNumber.Offer && !isZero(this.self)) throw refused('a mark where none belongs');
  }

  get demand(): boolean {
    return this.bytes[AT.demand] === 1;
  }
  get self(): Uint8Array {
    return this.bytes.subarray(AT.self, AT.publicKey);
  }
  get publicKey(): Uint8Array {
    return this.bytes.subarray(AT.publicKey, SIGNATURE_AT);
  }
  get signature(): Uint8Array {
    return this.bytes.subarray(SIGNATURE_AT, MACED_BYTES);
  }
  get mac(): Uint8Array {
    return this.bytes.subarray(MACED_BYTES);
  }
  /** What its MAC covers of itself. */
  get maced(): Uint8Array {
    return this.bytes.subarray(0, MACED_BYTES);
  }
  /** What its signature covers of itself. */
  get signed(): Uint8Array {
    return this.bytes.subarray(0, SIGNED_BYTES);
  }
  /** Key and signature are left out. */
  get isUnsigned(): boolean {
    return isZero(this.publicKey) && isZero(this.signature);
  }
}

/** Why an exchange fails here; the peer is told nothing of it. */
export function refused(why: string): PoolError {
  return new PoolError('ERR_POOL_AUTH_FAILED', `the peer was refused: it sent ${why}`);
}

/** The decision about a proven key was no. */
export function notAdmitted(): PoolError {
  return new PoolError(
    'ERR_POOL_AUTH_FAILED',
    'the peer was refused: it proved its key, and that is none of those that are admitted',
  );
}

/** The peer closed before the session was open. It gives no reason, and whoever stands in the path could have made one up. */
export function refusedByPeer(): PoolError {
  return new PoolError(
    'ERR_POOL_AUTH_FAILED',
    'the peer refused this side: it may not know its key, want another kind of proof, or have been told of a wrong one on the way',
  );
}

/** What a MAC that doesn't fit most likely means. */
export function wrongMac(mode: keyof typeof Mode): string {
  return mode === 'psk'
    ? 'a proof that does not fit: its pre-shared key is another one, or somebody stands in the path'
    : 'a proof that does not fit this session: somebody stands in the path';
}

function modeDiffers(mode: keyof typeof Mode): string {
  return mode === 'keys'
    ? 'no exchange of keys: it was set up with a pre-shared key'
    : 'no exchange of a pre-shared key';
}

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  for (let at = 0; at < start.length; at++) if (bytes[at] !== start[at]) return false;
  return true;
}

function isZero(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at++) if (bytes[at] !== 0) return false;
  return true;
}
