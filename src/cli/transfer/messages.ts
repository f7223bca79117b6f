/**
 * The messages of the file transfer; docs/file-transfer.md tells the conversation. A message that begins with `{` is a
 * control message in JSON, one that begins with a zero byte carries bytes of the file. No I/O here.
 */
import { broken } from './failure.js';

/** What a conversation of this kind begins with. */
export const PROTOCOL = 'pool-file-transfer';
/** The version that this side speaks. */
export const TRANSFER_VERSION = 1;
/** Bytes of the longest control message. A name has at most 1024, of which JSON writes quotes as two. */
const MAX_CONTROL_BYTES = 4096;
/** Files of one session. */
export const MAX_FILES = 65_536;
/** Bytes that may be under way unconfirmed: a kernel module's receive queue has no bound of its own. */
export const WINDOW_BYTES = 4 * 1024 * 1024;
/** ms between two signs of life while the disk is at work. Peers count on it: none may give up before it has missed two. */
export const WAIT_EVERY_MS = 5000;
/** The smallest window that a receiver may ask for: one message has to fit. */
const MIN_WINDOW_BYTES = 65_536;

/** Text of a failure, in characters. */
const MAX_TEXT = 500;
/** ns since the epoch up to the year 9999, either way. */
const MAX_TIME_NS = 253_402_300_799_000_000_000n;
const BRACE = 0x7b;
const DATA = 0;

/** Reads a field; undefined where it is wrong. */
type Field<T> = (value: unknown) => T | undefined;

const whole =
  (min: number, max: number): Field<number> =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max ? (value as number) : undefined;

const text =
  (max: number, pattern = /^/): Field<string> =>
  (value) =>
    typeof value === 'string' && value.length <= max && pattern.test(value) ? value : undefined;

const bytes = whole(0, Number.MAX_SAFE_INTEGER);
const digest = text(64, /^[0-9a-f]{64}$/);
const flag: Field<boolean> = (value) => (typeof value === 'boolean' ? value : undefined);
const time: Field<string> = (value) => {
  const read = text(22, /^-?\d{1,21}$/)(value);
  if (read === undefined) return undefined;
  const ns = BigInt(read);
  return ns >= -MAX_TIME_NS && ns <= MAX_TIME_NS ? read : undefined;
};

/** Control messages and their fields. Fields that are not listed are skipped, so that a later version may have more. */
const CONTROL = {
  /** The sender's first message. */
  hello: {
    protocol: text(PROTOCOL.length, new RegExp(`^${PROTOCOL}$`)),
    version: whole(1, 65_535),
    files: whole(1, MAX_FILES),
  },
  /** The receiver's answer. */
  welcome: { version: whole(1, 65_535), window: whole(MIN_WINDOW_BYTES, 2 ** 31) },
  /** A file is to come. `mtimeNs` is ns since the epoch, in decimal, as text: it is more than a JSON number holds. */
  offer: { name: text(1024), size: bytes, mode: whole(0, 0o7777), mtimeNs: time },
  /** The receiver has `offset` bytes, and asks for the digest of the sender's own: it tells its own to nobody who hasn't them. */
  show: { offset: bytes },
  /** The digest of that many bytes. */
  shown: { offset: bytes, sha256: digest },
  /** The receiver has `offset` bytes with that digest; `complete` when they are a finished file. */
  start: { offset: bytes, sha256: digest, complete: flag },
  /** The sender's bytes up to there are others. */
  differs: {},
  /** Data follows, from there. */
  go: { offset: bytes },
  /** The receiver has written everything up to there. */
  ack: { received: bytes },
  /** All was sent. */
  end: { size: bytes, sha256: digest },
  /** The receiver has all of it, under its final name, on disk. */
  done: { size: bytes, sha256: digest },
  /** This file failed, or the session. */
  fail: { reason: text(32), message: text(MAX_TEXT) },
  /** Still there, still at work on the disk. */
  wait: {},
} as const satisfies Record<string, Record<string, Field<unknown>>>;

/** The words that control messages begin with. */
export type ControlType = keyof typeof CONTROL;
export type ControlMessage<T extends ControlType = ControlType> = {
  [K in T]: { type: K } & { -readonly [F in keyof (typeof CONTROL)[K]]: NonNullable<FieldOf<(typeof CONTROL)[K][F]>> };
}[T];
type FieldOf<R> = R extends Field<infer T> ? T : never;
/** Bytes of the file. */
export interface Data {
  type: 'data';
  bytes: Uint8Array;
}

export function encode(control: ControlMessage): Uint8Array {
  return Buffer.from(JSON.stringify(control));
}

/** A failure as a message: longer texts are cut. */
export function failMessage(reason: string, message: string): ControlMessage<'fail'> {
  return { type: 'fail', reason, message: message.slice(0, MAX_TEXT) };
}

/** Bytes of a file that one data message carries, where a message has at most `maxMessage`. */
export const payloadBytes = (maxMessage: number): number => maxMessage - 1;

/** Memory for a data message of `length` bytes, and the part of it that the bytes go to. */
export function dataMessage(length: number): { message: Buffer; payload: Buffer } {
  const message = Buffer.allocUnsafe(length + 1);
  message[0] = DATA;
  return { message, payload: message.subarray(1) };
}

/** Reads a message of `peer`, as "the sender". Throws a failure with the reason `protocol`. */
export function decode(message: Uint8Array, peer: string): ControlMessage | Data {
  if (message[0] === DATA && message.length > 1) return { type: 'data', bytes: message.subarray(1) };
  if (message[0] !== BRACE) throw broken(`${peer} does not speak ${PROTOCOL}`);
  if (message.length > MAX_CONTROL_BYTES) throw broken(`${peer} sent a control message of ${message.length} bytes`);
  const object = parse(message, peer);
  const type = object['type'];
  if (typeof type !== 'string' || !Object.hasOwn(CONTROL, type)) {
    throw broken(`${peer} sent a control message of an unknown type`);
  }
  const control: Record<string, unknown> = { type };
  for (const [name, read] of Object.entries(CONTROL[type as ControlType] as Record<string, Field<unknown>>)) {
    const value = Object.hasOwn(object, name) ? read(object[name]) : undefined;
    if (value === undefined) throw broken(`${peer} sent "${type}" with a missing or wrong "${name}"`);
    control[name] = value;
  }
  return control as ControlMessage;
}

function parse(message: Uint8Array, peer: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(message));
  } catch (cause) {
    throw Object.assign(broken(`${peer} sent a control message that is not JSON`), { cause });
  }
  // It begins with a brace: JSON.parse gives an object.
  return value as Record<string, unknown>;
}
