/**
 * Requests and answers as messages of a flow. A header stands before the bytes of each, in network order: a byte that says
 * what it is, and the request's number; of a request the ms that its answer is waited for, too, 0 for no limit. No I/O here.
 */
import type { Bytes } from '../../base/bytes.js';
import { PoolError } from '../../base/errors.js';

const KIND = { request: 1, answer: 2, failed: 3, cancel: 4 } as const;
/** What a message is. `failed` stands for an answer that there won't be, `cancel` for one that nobody waits for any more. */
type Kind = keyof typeof KIND;

/** Bytes before those of a request, and before those of anything else. */
export const REQUEST_HEADER_BYTES = 9;
const HEADER_BYTES = 5;

/** Numbers of requests are below this, and then begin again. */
export const ID_LIMIT = 2 ** 32;
/** ms: the longest limit of a request that a message tells. */
const LONGEST_TIMEOUT_MS = ID_LIMIT - 1;

const NOTHING = new Uint8Array(0);

/** A message, taken apart. */
export type Envelope =
  | { kind: 'request'; id: number; timeout: number; body: Bytes }
  | { kind: 'answer'; id: number; body: Bytes }
  | { kind: 'failed' | 'cancel'; id: number };

/** @param timeout ms; 0 is none */
export function packRequest(id: number, timeout: number, body: Uint8Array): Uint8Array {
  const message = begin('request', id, REQUEST_HEADER_BYTES, body);
  // A part of a ms is still time.
  message.writeUInt32BE(Math.min(Math.ceil(timeout), LONGEST_TIMEOUT_MS), HEADER_BYTES);
  return message;
}

/** Anything but a request. */
export function pack(kind: Exclude<Kind, 'request'>, id: number, body: Uint8Array = NOTHING): Uint8Array {
  return begin(kind, id, HEADER_BYTES, body);
}

function begin(kind: Kind, id: number, header: number, body: Uint8Array): Buffer {
  const message = Buffer.allocUnsafe(header + body.length);
  message[0] = KIND[kind];
  message.writeUInt32BE(id, 1);
  message.set(body, header);
  return message;
}

/** @throws PoolError ERR_POOL_PROTOCOL for a message that is none of these */
export function unpack(message: Bytes): Envelope {
  const [kind] = message;
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  const shortest = kind === KIND.request ? REQUEST_HEADER_BYTES : HEADER_BYTES;
  if (message.length < shortest) throw foreign(`a message of ${message.length} bytes`);
  const id = view.getUint32(1);
  switch (kind) {
    case KIND.request:
      return { kind: 'request', id, timeout: view.getUint32(HEADER_BYTES), body: message.subarray(shortest) };
    case KIND.answer:
      return { kind: 'answer', id, body: message.subarray(shortest) };
    case KIND.failed:
      return { kind: 'failed', id };
    case KIND.cancel:
      return { kind: 'cancel', id };
    default:
      throw foreign(`a message that begins with the byte ${kind}`);
  }
}

/** What belongs to something else, or to the other side of a conversation. */
export function foreign(what: string): PoolError {
  return new PoolError('ERR_POOL_PROTOCOL', `the peer sent ${what} where requests and answers go`);
}
