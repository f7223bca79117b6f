/**
 * What the two ends of `pool-ts bench` say to each other, on channel 0. Each message begins with a letter:
 *
 *   H pool-ts bench 1     to the peer: are you one of us? The answer is `h pool-ts bench 1`, which no echo gives
 *   D anything            data for throughput: counted, not answered
 *   F                     that was all: the answer is `f`, messages and bytes since the last F, 8 bytes big-endian each
 *   E anything            an echo for round trips: comes back as it is
 *
 * The listening side keeps two counters and nothing else, so that it needs no phases. It ends a session that says anything
 * else. Message boundaries are POOL's.
 */

export const KIND = { HELLO: 0x48, WELCOME: 0x68, DATA: 0x44, FINISH: 0x46, REPORT: 0x66, ECHO: 0x45 } as const;

const NAME = ' pool-ts bench 1';

/** The first message, and its answer. */
export const HELLO = Buffer.from(`H${NAME}`);
export const WELCOME = Buffer.from(`h${NAME}`);

/** Asks for a report. */
export const FINISH = Buffer.of(KIND.FINISH);

const REPORT_BYTES = 17;

/** What arrived. */
export interface ReceivedCount {
  messages: number;
  bytes: number;
}

/** A message of `size` bytes, at least 1. What follows the letter has no pattern that anything could compress. */
export function filled(kind: number, size: number): Buffer {
  const message = Buffer.allocUnsafe(size);
  for (let at = 1, state = 1; at < size; at += 1) {
    state = (state * 1_103_515_245 + 12_345) >>> 0;
    message[at] = state >>> 24;
  }
  message[0] = kind;
  return message;
}

/** The answer to F. */
export function encodeReport({ messages, bytes }: ReceivedCount): Buffer {
  const message = Buffer.alloc(REPORT_BYTES);
  message[0] = KIND.REPORT;
  message.writeBigUInt64BE(BigInt(messages), 1);
  message.writeBigUInt64BE(BigInt(bytes), 9);
  return message;
}

/** Reads an answer to F; null where it is none. */
export function readReport(message: Uint8Array): ReceivedCount | null {
  if (message.length !== REPORT_BYTES || message[0] !== KIND.REPORT) return null;
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  return { messages: Number(view.getBigUint64(1)), bytes: Number(view.getBigUint64(9)) };
}
