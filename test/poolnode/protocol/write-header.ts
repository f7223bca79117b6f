/** Headers as tests tell them: with bigints, of which a sender makes none. */
import { HeaderWords, writeHeaderWords } from '../../../src/poolnode/protocol/header.js';

/** Of one packet; 64-bit numbers are taken modulo 2^64. */
export type HeaderFields = Pick<HeaderWords, 'type' | 'flags' | 'payloadLength' | 'channel'> & {
  seq: bigint;
  ack: bigint;
  sessionId: Uint8Array;
  timestamp: bigint;
};

/** Writes a header at `at` of `bytes`. The HMAC field becomes zero. */
export function writeHeader(bytes: Uint8Array, at: number, fields: HeaderFields): void {
  const { seq, ack, sessionId, timestamp, ...numbers } = fields;
  const words = Object.assign(new HeaderWords(), numbers);
  words.seq.set(seq);
  words.ack.set(ack);
  words.setSessionId(sessionId);
  words.timestamp.set(timestamp);
  writeHeaderWords(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), at, words);
}
