import { describe, expect, it } from 'vitest';
import { violation } from '../../../src/poolnode/protocol/faults.js';
import { Framer } from '../../../src/poolnode/protocol/framer.js';
import { writeHeader } from '../../../src/poolnode/protocol/header.js';
import { concat } from './pair.js';
import { seeded } from './seeded.js';

function packet(type: number, payload: Uint8Array, seq = 1n): Uint8Array {
  const bytes = new Uint8Array(80 + payload.length);
  writeHeader(bytes, new DataView(bytes.buffer), 0, {
    type,
    flags: 0,
    seq,
    ack: 0n,
    sessionId: new Uint8Array(16).fill(9),
    timestamp: 0n,
    payloadLength: payload.length,
    channel: 0,
  });
  bytes.set(payload, 80);
  return bytes;
}

interface Seen {
  seq: bigint;
  payload: string;
}

function drain(framer: Framer): Seen[] {
  const seen: Seen[] = [];
  for (let next = framer.next(); next !== null; next = framer.next()) {
    seen.push({ seq: next.header.seq, payload: Buffer.from(concat(next.payload)).toString('hex') });
  }
  return seen;
}

describe('Framer', () => {
  it('gives packets only when they are whole', () => {
    const bytes = packet(3, Uint8Array.of(1, 2, 3));
    const framer = new Framer();
    for (let size = 0; size < bytes.length; size++) {
      framer.push(bytes.subarray(size, size + 1));
      expect(framer.partial).toBe(true);
      const whole = framer.next() !== null;
      expect(whole).toBe(size === bytes.length - 1);
    }
    expect(framer.partial).toBe(false);
    expect(framer.bufferedBytes).toBe(0);
  });

  it('hands a payload on by reference, in the pieces that it came in', () => {
    const bytes = packet(3, new Uint8Array(3000).fill(1));
    const framer = new Framer();
    const chunks = [bytes.subarray(0, 1000), bytes.subarray(1000, 2500), bytes.subarray(2500)];
    for (const chunk of chunks) framer.push(chunk);
    const { payload } = framer.next()!;
    expect(payload.map((piece) => piece.length)).toEqual([920, 1500, 580]);
    for (const piece of payload) expect(piece.buffer).toBe(bytes.buffer);
  });

  it('asks the policy once a packet, before any payload is there', () => {
    const framer = new Framer();
    const asked: number[] = [];
    const policy = ({ payloadLength }: { payloadLength: number }): void => {
      asked.push(payloadLength);
      if (payloadLength > 100) throw violation('too long');
    };
    framer.push(packet(3, new Uint8Array(100)).subarray(0, 90));
    expect(framer.next(policy)).toBeNull();
    expect(framer.next(policy)).toBeNull();
    framer.push(new Uint8Array(90));
    expect(framer.next(policy)).not.toBeNull();
    framer.push(packet(3, new Uint8Array(101)).subarray(0, 80));
    framer.clear();
    framer.push(packet(3, new Uint8Array(101)).subarray(0, 80));
    expect(() => framer.next(policy)).toThrowError(/too long/);
    expect(asked).toEqual([100, 101]);
  });

  it('keeps a packet that is to stay', () => {
    const framer = new Framer();
    framer.push(packet(3, Uint8Array.of(1), 5n));
    framer.push(packet(3, Uint8Array.of(2), 6n));
    const kept = framer.next()!.keep();
    framer.next();
    expect(kept.header.seq).toBe(5n);
    expect(kept.joined()).toEqual(Uint8Array.of(1));
  });

  it('gathers a payload that drips in, instead of an object for each byte', () => {
    const framer = new Framer();
    const bytes = packet(3, new Uint8Array(65_535).fill(7));
    for (let i = 0; i < bytes.length; i++) framer.push(bytes.subarray(i, i + 1));
    const { payload } = framer.next()!;
    expect(payload.length).toBeLessThan(20);
    expect(concat(payload).every((byte) => byte === 7)).toBe(true);
  });

  it('never changes what it has handed out', () => {
    const framer = new Framer();
    const first = packet(3, new Uint8Array(40).fill(1));
    for (const byte of first) framer.push(Uint8Array.of(byte));
    const payload = framer.next()!.payload.slice();
    for (const byte of packet(3, new Uint8Array(40).fill(2))) framer.push(Uint8Array.of(byte));
    expect(concat(payload)).toEqual(new Uint8Array(40).fill(1));
    expect(drain(framer)).toHaveLength(1);
  });

  it('gives the same packets however the stream is cut', () => {
    const random = seeded('framer chunking');
    for (let round = 0; round < 300; round++) {
      const count = 1 + random.int(6);
      const packets = Array.from({ length: count }, (_, i) =>
        packet(random.int(16), random.bytes(random.int(4) === 0 ? random.int(3000) : random.int(40)), BigInt(i)),
      );
      const stream = concat(packets);
      const whole = new Framer();
      whole.push(stream);
      const expected = drain(whole);
      expect(expected).toHaveLength(count);
      const cut = new Framer();
      const seen: Seen[] = [];
      for (let at = 0; at < stream.length; ) {
        const size = [0, 1, 7, 79, 80, 81, 600, 2000][random.int(8)]!;
        // A copy per chunk, as a socket gives.
        cut.push(stream.slice(at, at + size));
        at += size;
        if (random.int(3) > 0) seen.push(...drain(cut));
      }
      seen.push(...drain(cut));
      expect(seen).toEqual(expected);
      expect(cut.bufferedBytes).toBe(0);
    }
  });

  it('takes any bytes without throwing, and holds no more than a packet and a chunk', () => {
    const random = seeded('framer garbage');
    const framer = new Framer();
    for (let round = 0; round < 20_000; round++) {
      const chunk = random.bytes(random.int(200));
      framer.push(chunk);
      drain(framer);
      expect(framer.bufferedBytes).toBeLessThanOrEqual(80 + 65_535 + chunk.length);
    }
  });
});
