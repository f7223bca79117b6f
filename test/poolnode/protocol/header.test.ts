import { describe, expect, it } from 'vitest';
import { Header, writeHmac } from '../../../src/poolnode/protocol/header.js';
import { writeHeader } from './write-header.js';

const FIELDS = {
  type: 0xa,
  flags: 0x3ff,
  seq: (1n << 53n) + 1n,
  ack: (1n << 64n) - 1n,
  sessionId: Uint8Array.from({ length: 16 }, (_, i) => i + 1),
  timestamp: (1n << 63n) - 1n,
  payloadLength: 65_535,
  channel: 255,
};

function written(at = 0): Uint8Array {
  const bytes = new Uint8Array(at + 80).fill(0xee);
  writeHeader(bytes, at, FIELDS);
  writeHmac(bytes, at, new Uint8Array(32).fill(0x77));
  return bytes.subarray(at);
}

function read(bytes: Uint8Array): Header {
  const header = new Header();
  header.bytes.set(bytes);
  header.parted();
  return header;
}

describe('the header', () => {
  it('has each field where pool.h has it, big-endian', () => {
    expect(Buffer.from(written()).toString('hex')).toBe(
      '1a' +
        '00' +
        '03ff' +
        '0020000000000001' +
        'ffffffffffffffff' +
        '0102030405060708090a0b0c0d0e0f10' +
        '7fffffffffffffff' +
        'ffff' +
        'ff' +
        '00' +
        '77'.repeat(32),
    );
  });

  it('is the same anywhere in a buffer', () => {
    expect(written(17)).toEqual(written());
  });

  it('gives back what was written, and keeps the HMAC apart', () => {
    const header = read(written());
    expect(header).toMatchObject({ version: 1, type: 0xa, flags: 0x3ff, payloadLength: 65_535, channel: 255 });
    expect([header.seq, header.ack, header.timestamp]).toEqual([FIELDS.seq, FIELDS.ack, FIELDS.timestamp]);
    expect(header.sessionId).toEqual(FIELDS.sessionId);
    expect(header.hmac).toEqual(new Uint8Array(32).fill(0x77));
    expect(header.bytes.subarray(48)).toEqual(new Uint8Array(32));
  });

  it.each([(1n << 53n) - 1n, 1n << 53n, (1n << 53n) + 1n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n])(
    'carries the sequence number %d exactly',
    (seq) => {
      const bytes = new Uint8Array(80);
      writeHeader(bytes, 0, { ...FIELDS, seq });
      expect(read(bytes).seq).toBe(seq);
    },
  );

  it('takes the timestamp modulo 2^64', () => {
    const bytes = new Uint8Array(80);
    writeHeader(bytes, 0, { ...FIELDS, timestamp: (1n << 64n) + 5n });
    expect(read(bytes).timestamp).toBe(5n);
  });

  it('knows its session and its reserved bytes by every byte', () => {
    const bytes = written();
    expect(read(bytes).isOf(FIELDS.sessionId)).toBe(true);
    for (let i = 20; i < 36; i++) {
      const changed = bytes.slice();
      changed[i]! ^= 0x80;
      expect(read(changed).isOf(FIELDS.sessionId)).toBe(false);
    }
    expect(read(bytes).reservedIsZero).toBe(true);
    for (const i of [1, 47]) {
      const changed = bytes.slice();
      changed[i] = 1;
      expect(read(changed).reservedIsZero).toBe(false);
    }
  });
});
