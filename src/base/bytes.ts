/** Bytes as programs have them: what is taken, and what is given. */
import { types } from 'node:util';

/** What is taken wherever bytes are: an ArrayBuffer or a view of its bytes, of any realm. A Float64Array is numbers. */
export type BytesInput = Uint8Array | Int8Array | Uint8ClampedArray | DataView | ArrayBufferLike;

/**
 * Bytes that came: in memory of their own, which nobody shares. From TypeScript 5.7 on this is `Uint8Array<ArrayBuffer>`,
 * which Blob, Response, fetch and WebCrypto take; before, `Uint8Array` has no parameter, and is that.
 */
export type Bytes = ReturnType<Uint8Array['slice']>;

/** The bytes of `value`, without a copy; null for what has none. */
export function bytesOf(value: unknown): Uint8Array | null {
  // By its brand and not its class: arrays of another realm (a vm context, some test runners) are as good.
  if (types.isUint8Array(value)) return value;
  try {
    if (ArrayBuffer.isView(value)) return areBytes(value) ? view(value) : null;
    return types.isAnyArrayBuffer(value) ? new Uint8Array(value) : null;
  } catch {
    // Detached: there is nothing in it, as in a Uint8Array that is.
    return new Uint8Array(0);
  }
}

/** Bytes from which on memory isn't zeroed before it is copied into. */
const LONG = 1024;

/** Copies all of `from` to the beginning of `to`. */
export type CopyBytes = (to: Uint8Array, from: Uint8Array) => void;

export const copyBytes: CopyBytes = (to, from) => to.set(from);

/** A copy in memory of its own, which shares nothing with the memory of `bytes` nor with other copies. */
export function ownCopy(bytes: Uint8Array, copy = copyBytes): Bytes {
  if (bytes.length < LONG) return new Uint8Array(bytes);
  const own = new Uint8Array(Buffer.allocUnsafeSlow(bytes.length).buffer);
  copy(own, bytes);
  return own;
}

/** Numbers that are wider have an order of bytes, which is the machine's: nobody means to send that. */
function areBytes(value: ArrayBufferView): boolean {
  return types.isDataView(value) || (value as Uint8Array).BYTES_PER_ELEMENT === 1;
}

function view({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
