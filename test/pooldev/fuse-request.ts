/** FUSE requests as the kernel writes them. */
export interface RequestFields {
  unique?: bigint;
  uid?: number;
  pid?: number;
}

export function fuseRequest(
  opcode: number,
  body: Uint8Array,
  { unique = 1n, uid = 0, pid = 100 }: RequestFields = {},
): Buffer {
  const bytes = Buffer.alloc(40 + body.length);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt32LE(opcode >>> 0, 4);
  bytes.writeBigUInt64LE(unique, 8);
  bytes.writeBigUInt64LE(1n, 16);
  bytes.writeUInt32LE(uid, 24);
  bytes.writeUInt32LE(pid, 32);
  bytes.set(body, 40);
  return bytes;
}

/** The body of an IOCTL: fuse_ioctl_in and the caller's struct. */
export function ioctlBody(command: number, input: Uint8Array, outputBytes = input.length): Buffer {
  const body = Buffer.alloc(32 + input.length);
  body.writeUInt32LE(command >>> 0, 12);
  body.writeUInt32LE(input.length, 24);
  body.writeUInt32LE(outputBytes, 28);
  body.set(input, 32);
  return body;
}

/** [unique, error, body] of an answer. */
export function readReply(bytes: Buffer): { unique: bigint; error: number; body: Buffer } {
  return { unique: bytes.readBigUInt64LE(8), error: bytes.readInt32LE(4), body: bytes.subarray(16) };
}
