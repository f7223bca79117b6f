/**
 * Types in ref's protocol (size, alignment, indirection, get, set), and the little of the ref module that ref-struct-di
 * asks for. Two uses: u64 and byte arrays, which ref-napi doesn't offer in a usable form (its uint64 is a string above
 * 2^53 and refuses a bigint), and all the types where ref-napi has no binary.
 */
import type { Bytes } from '../../base/bytes.js';
import { endianness } from 'node:os';

/** A type in ref's protocol. */
export interface RefType<T = unknown> {
  name: string;
  /** Bytes. */
  size: number;
  /** Bytes; 1 in a packed struct. */
  alignment: number;
  indirection: number;
  /** Reads a value. */
  get(buffer: Buffer, offset: number): T;
  /** Writes a value. */
  set(buffer: Buffer, offset: number, value: T): void;
}

/** What ref-struct-di takes of a ref module: ref-napi gives it, and so does `tsRef`. */
export interface RefModule {
  types: { uint8: RefType<number>; uint16: RefType<number>; uint32: RefType<number> };
  /** The type that a name, or a type, stands for. */
  coerceType(type: RefType | string): RefType;
  /** Reads a value of `type`. */
  get(buffer: Buffer, offset: number, type: RefType): unknown;
  /** Writes a value of `type`. */
  set(buffer: Buffer, offset: number, value: unknown, type: RefType): void;
  alignof: { pointer: number };
  sizeof: { pointer: number };
  NULL: Buffer;
}

const littleEndian = endianness() === 'LE';

function scalar<T>(
  name: string,
  size: number,
  get: (buffer: Buffer, offset: number) => T,
  set: (buffer: Buffer, value: T, offset: number) => void,
): RefType<T> {
  return {
    name,
    size,
    alignment: size,
    indirection: 1,
    get: (buffer, offset) => get(buffer, offset),
    set: (buffer, offset, value) => set(buffer, value, offset),
  };
}

/** `__u8`. */
export const u8: RefType<number> = scalar(
  'u8',
  1,
  (buffer, offset) => buffer.readUInt8(offset),
  (buffer, value, offset) => buffer.writeUInt8(value, offset),
);
/** `__u16` in the host's order. */
export const u16: RefType<number> = scalar(
  'u16',
  2,
  (buffer, offset) => (littleEndian ? buffer.readUInt16LE(offset) : buffer.readUInt16BE(offset)),
  (buffer, value, offset) => (littleEndian ? buffer.writeUInt16LE(value, offset) : buffer.writeUInt16BE(value, offset)),
);
/** `__u32` in the host's order. */
export const u32: RefType<number> = scalar(
  'u32',
  4,
  (buffer, offset) => (littleEndian ? buffer.readUInt32LE(offset) : buffer.readUInt32BE(offset)),
  (buffer, value, offset) => (littleEndian ? buffer.writeUInt32LE(value, offset) : buffer.writeUInt32BE(value, offset)),
);
/** `__u64` in the host's order, as a bigint. */
export const u64: RefType<bigint> = scalar(
  'u64',
  8,
  (buffer, offset) => (littleEndian ? buffer.readBigUInt64LE(offset) : buffer.readBigUInt64BE(offset)),
  (buffer, value, offset) =>
    littleEndian ? buffer.writeBigUInt64LE(value, offset) : buffer.writeBigUInt64BE(value, offset),
);
/** `__be16`. */
export const be16: RefType<number> = scalar(
  'be16',
  2,
  (buffer, offset) => buffer.readUInt16BE(offset),
  (buffer, value, offset) => buffer.writeUInt16BE(value, offset),
);
/** `__be32`. */
export const be32: RefType<number> = scalar(
  'be32',
  4,
  (buffer, offset) => buffer.readUInt32BE(offset),
  (buffer, value, offset) => buffer.writeUInt32BE(value, offset),
);
/** `__be64`, as a bigint. */
export const be64: RefType<bigint> = scalar(
  'be64',
  8,
  (buffer, offset) => buffer.readBigUInt64BE(offset),
  (buffer, value, offset) => buffer.writeBigUInt64BE(value, offset),
);

/** The type of a byte array. Named, because TypeScript before 5.7 doesn't know what an inferred one is called. */
export interface BytesRef extends RefType<Bytes> {}

/** `__u8 name[length]`: read as a copy, so that the value outlives the struct's memory. Refuses another length. */
export function bytes(length: number): BytesRef {
  return {
    name: `u8[${length}]`,
    size: length,
    alignment: 1,
    indirection: 1,
    get: (buffer, offset) => new Uint8Array(buffer.subarray(offset, offset + length)),
    set: (buffer, offset, value) => {
      if (value.length !== length) throw new RangeError(`expected ${length} bytes, got ${value.length}`);
      buffer.set(value, offset);
    },
  };
}

/** ref in TypeScript, as far as these layouts need it: for machines where ref-napi has no binary. */
export const tsRef: RefModule = {
  types: { uint8: u8, uint16: u16, uint32: u32 },
  coerceType: (type) => {
    if (typeof type === 'string') throw new TypeError(`the layouts of pool.h name no type by string, got ${type}`);
    return type;
  },
  get: (buffer, offset, type) => type.get(buffer, offset),
  set: (buffer, offset, value, type) => type.set(buffer, offset, value),
  alignof: { pointer: 8 },
  sizeof: { pointer: 8 },
  NULL: Buffer.alloc(0),
};
