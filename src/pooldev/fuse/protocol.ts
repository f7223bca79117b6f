/**
 * The part of the FUSE wire protocol that a single file needs: requests as the kernel writes them, answers as it reads
 * them. Bytes in, values out, and the reverse; no I/O. Layouts are those of linux/fuse.h, version 7.31, in host byte
 * order (little-endian on every platform that pool-ts serves a device on).
 */

/** Version 7.31 has all that is used here; the kernel speaks the lower of its minor version and ours. */
export const FUSE_MAJOR = 7;
const FUSE_MINOR = 31;

export const IN_HEADER_BYTES = 40;
const OUT_HEADER_BYTES = 16;

/** The requests that get an answer of their own. Every other opcode is answered with ENOSYS. */
export const Opcode = {
  FORGET: 2,
  GETATTR: 3,
  SETATTR: 4,
  OPEN: 14,
  READ: 15,
  WRITE: 16,
  STATFS: 17,
  RELEASE: 18,
  FSYNC: 20,
  FLUSH: 25,
  INIT: 26,
  ACCESS: 34,
  INTERRUPT: 36,
  DESTROY: 38,
  IOCTL: 39,
  BATCH_FORGET: 42,
} as const;

/** fuse_setattr_in.valid: which of its fields count. */
export const FATTR_MODE = 1 << 0;
export const FATTR_UID = 1 << 1;
export const FATTR_GID = 1 << 2;

/** FUSE_INIT flag: O_TRUNC comes with OPEN instead of as a SETATTR of its own. */
const INIT_ATOMIC_O_TRUNC = 1 << 3;

/** FUSE_OPEN flags: no page cache (and so no shared mapping of the device), no file position. */
export const FOPEN_DIRECT_IO = 1 << 0;
export const FOPEN_NONSEEKABLE = 1 << 2;

/** Of fuse_in_header. `pid` is the calling thread in the server's pid namespace, 0 where it has none there. */
export interface RequestHeader {
  opcode: number;
  unique: bigint;
  uid: number;
  gid: number;
  pid: number;
}

/** Null where the bytes are no whole request: shorter than a header, or than the length that the header states. */
export function decodeHeader(bytes: Buffer): RequestHeader | null {
  if (bytes.length < IN_HEADER_BYTES || bytes.readUInt32LE(0) !== bytes.length) return null;
  return {
    opcode: bytes.readUInt32LE(4),
    unique: bytes.readBigUInt64LE(8),
    uid: bytes.readUInt32LE(24),
    gid: bytes.readUInt32LE(28),
    pid: bytes.readUInt32LE(32),
  };
}

export interface InitRequest {
  major: number;
  minor: number;
  maxReadahead: number;
  flags: number;
}

export function decodeInit(body: Buffer): InitRequest | null {
  if (body.length < 16) return null;
  return {
    major: body.readUInt32LE(0),
    minor: body.readUInt32LE(4),
    maxReadahead: body.readUInt32LE(8),
    flags: body.readUInt32LE(12),
  };
}

export interface IoctlRequest {
  /** The request number, `_IOC` encoded. */
  command: number;
  /** The bytes that the kernel took from the caller's struct: as many as the number's size field says. */
  input: Buffer;
  /** How many bytes the kernel takes back at most. */
  outputBytes: number;
}

/** Null where the input is shorter than stated. */
export function decodeIoctl(body: Buffer): IoctlRequest | null {
  if (body.length < 32) return null;
  const inputBytes = body.readUInt32LE(24);
  if (body.length - 32 < inputBytes) return null;
  return {
    command: body.readUInt32LE(12),
    input: body.subarray(32, 32 + inputBytes),
    outputBytes: body.readUInt32LE(28),
  };
}

/** The `unique` of the request to interrupt. */
export function decodeInterrupt(body: Buffer): bigint | null {
  return body.length < 8 ? null : body.readBigUInt64LE(0);
}

export interface SetattrRequest {
  valid: number;
  mode: number;
  uid: number;
  gid: number;
}

export function decodeSetattr(body: Buffer): SetattrRequest | null {
  if (body.length < 88) return null;
  return {
    valid: body.readUInt32LE(0),
    mode: body.readUInt32LE(68),
    uid: body.readUInt32LE(76),
    gid: body.readUInt32LE(80),
  };
}

/** A whole answer; `error` is 0 or a negative errno, with which the kernel takes no body. */
export function encodeReply(unique: bigint, error: number, body?: Uint8Array): Buffer {
  const bytes = Buffer.alloc(OUT_HEADER_BYTES + (body?.length ?? 0));
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeInt32LE(error, 4);
  bytes.writeBigUInt64LE(unique, 8);
  if (body !== undefined) bytes.set(body, OUT_HEADER_BYTES);
  return bytes;
}

export function encodeInit(request: InitRequest, maxWrite: number): Buffer {
  const body = Buffer.alloc(64);
  body.writeUInt32LE(FUSE_MAJOR, 0);
  body.writeUInt32LE(FUSE_MINOR, 4);
  body.writeUInt32LE(request.maxReadahead, 8);
  body.writeUInt32LE(request.flags & INIT_ATOMIC_O_TRUNC, 12);
  body.writeUInt32LE(maxWrite, 20);
  body.writeUInt32LE(1, 24); // time_gran in ns
  return body;
}

export interface FileAttributes {
  /** File type and permissions, as st_mode. */
  mode: number;
  uid: number;
  gid: number;
  /** Seconds since 1970, shown as all three times. */
  time: number;
}

/** fuse_attr_out: the attributes of the one inode, and for how many seconds the kernel may keep them. */
export function encodeAttributes(attributes: FileAttributes, validSeconds: number): Buffer {
  const body = Buffer.alloc(104);
  body.writeBigUInt64LE(BigInt(validSeconds), 0);
  const attr = body.subarray(16);
  attr.writeBigUInt64LE(1n, 0);
  for (const at of [24, 32, 40]) attr.writeBigUInt64LE(BigInt(attributes.time), at);
  attr.writeUInt32LE(attributes.mode, 60);
  attr.writeUInt32LE(1, 64); // nlink
  attr.writeUInt32LE(attributes.uid, 68);
  attr.writeUInt32LE(attributes.gid, 72);
  attr.writeUInt32LE(4096, 80); // blksize
  return body;
}

export function encodeOpen(openFlags: number): Buffer {
  const body = Buffer.alloc(16);
  body.writeUInt32LE(openFlags, 8);
  return body;
}

/** fuse_ioctl_out and what goes back into the caller's struct. `result` is what ioctl(2) returns. */
export function encodeIoctl(result: number, output?: Uint8Array): Buffer {
  const body = Buffer.alloc(16 + (output?.length ?? 0));
  body.writeInt32LE(result, 0);
  if (output !== undefined) body.set(output, 16);
  return body;
}

/** An empty file system: one file, no blocks. */
export function encodeStatfs(): Buffer {
  const body = Buffer.alloc(80);
  body.writeBigUInt64LE(1n, 24); // files
  body.writeUInt32LE(4096, 40); // bsize
  body.writeUInt32LE(255, 44); // namelen
  body.writeUInt32LE(4096, 48); // frsize
  return body;
}
