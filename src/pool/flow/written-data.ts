/** What programs hand over to be sent or filled, checked before anything happens with it. */
import { inspect } from 'node:util';
import { bytesOf } from '../../base/bytes.js';
import { PoolError } from '../../base/errors.js';

/** Bytes of an ArrayBuffer or of a view as they are, a string as UTF-8. Bytes aren't copied. */
export function toBytes(data: unknown): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data, 'utf8');
  const bytes = bytesOf(data);
  if (bytes !== null) return bytes;
  throw new PoolError(
    'ERR_INVALID_ARG_TYPE',
    `data is bytes (an ArrayBuffer or a view of bytes) or a string, not ${shown(data)}`,
  );
}

/** A message that fits: an empty one can't be told from nothing by every peer, and one too long would break up. */
export function toMessage(data: unknown, maxMessageSize: number): Uint8Array {
  const bytes = toBytes(data);
  if (bytes.length === 0) {
    throw new PoolError('ERR_INVALID_ARG_VALUE', 'a message has at least one byte');
  }
  if (bytes.length > maxMessageSize) {
    throw new PoolError(
      'ERR_POOL_MESSAGE_TOO_LARGE',
      `a message of ${bytes.length} bytes is longer than this session's ${maxMessageSize}; write() splits what is longer`,
    );
  }
  return bytes;
}

/** All messages of a batch, or none: a bad one is found before the first is sent. */
export function toMessages(messages: unknown, maxMessageSize: number): Uint8Array[] {
  if (!Array.isArray(messages)) {
    throw new PoolError('ERR_INVALID_ARG_TYPE', `messages are an array of bytes or strings, not ${shown(messages)}`);
  }
  // Not `map`, which would pass over the holes of a sparse array.
  return Array.from<unknown, Uint8Array>(messages, (message) => toMessage(message, maxMessageSize));
}

/** A buffer to fill. */
export function requireBuffer(buffer: unknown): Uint8Array {
  const bytes = bytesOf(buffer);
  if (bytes !== null) return bytes;
  throw new PoolError('ERR_INVALID_ARG_TYPE', `a read fills an ArrayBuffer or a view of bytes, not ${shown(buffer)}`);
}

/** Type and size, and never the content: it may be somebody's data. */
function shown(value: unknown): string {
  if (value === null || typeof value !== 'object') return typeof value === 'string' ? 'a string' : inspect(value);
  return `an object of type ${value.constructor?.name ?? 'Object'}`;
}
