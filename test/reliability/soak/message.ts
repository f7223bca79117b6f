/** A message of the soak: it says whose it is and which, and carries the digest of all of it. */
import { createHash } from 'node:crypto';
import type { Side } from './life.js';

/** life, channel, side, last, a byte of nothing, index, and the sender's monotonic clock. */
const HEAD_BYTES = 20;
const DIGEST_BYTES = 32;

/** Bytes around a payload. */
export const FRAME_BYTES = HEAD_BYTES + DIGEST_BYTES;

/** Which message it is: what the receiver expects. */
export interface Place {
  readonly life: number;
  readonly channel: number;
  readonly from: Side;
  /** From 0, in its direction of its channel. */
  readonly index: number;
}

/** Something was lost, doubled, swapped, changed, or came where it doesn't belong. */
export class Wrong extends Error {}

const sides: readonly Side[] = ['client', 'server'];

/** @param now ms of the machine's monotonic clock, which its processes share */
export function seal({ life, channel, from, index }: Place, last: boolean, payload: Uint8Array, now: number): Buffer {
  const message = Buffer.alloc(FRAME_BYTES + payload.length);
  message.writeUInt32BE(life, 0);
  message.writeUInt8(channel, 4);
  message.writeUInt8(sides.indexOf(from), 5);
  message.writeUInt8(last ? 1 : 0, 6);
  message.writeUInt32BE(index, 8);
  message.writeDoubleBE(now, 12);
  message.set(payload, HEAD_BYTES);
  message.set(digest(message), message.length - DIGEST_BYTES);
  return message;
}

/** @throws Wrong where it isn't the message that is expected, with all its bytes */
export function open(bytes: Uint8Array, expected: Place): { last: boolean; sentAt: number } {
  const message = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const where = `life ${expected.life}, channel ${expected.channel}, from the ${expected.from}, message ${expected.index}`;
  if (message.length < FRAME_BYTES) throw new Wrong(`${where}: ${message.length} bytes are no message`);
  if (!digest(message).equals(message.subarray(-DIGEST_BYTES))) throw new Wrong(`${where}: its digest is another`);
  const place: Place = {
    life: message.readUInt32BE(0),
    channel: message.readUInt8(4),
    from: sides[message.readUInt8(5)]!,
    index: message.readUInt32BE(8),
  };
  for (const key of ['life', 'channel', 'from', 'index'] as const) {
    if (place[key] !== expected[key]) throw new Wrong(`${where}: came with ${key} ${place[key]}`);
  }
  return { last: message.readUInt8(6) === 1, sentAt: message.readDoubleBE(12) };
}

function digest(message: Buffer): Buffer {
  return createHash('sha256').update(message.subarray(0, -DIGEST_BYTES)).digest();
}
