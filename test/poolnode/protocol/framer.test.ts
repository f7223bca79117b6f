import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/base/errors.js';
import { violation } from '../../../src/poolnode/protocol/faults.js';
import { Framer } from '../../../src/poolnode/protocol/framer.js';
import { headerOf } from '../../../src/poolnode/protocol/packet-codec.js';
import { concat } from './pair.js';
import { reached, timeout, tries } from '../../reliability/figures.js';
import { type Seeded, seeded } from './seeded.js';
import { writeHeader } from './write-header.js';

function packet(type: number, payload: Uint8Array, seq = 1n): Uint8Array {
  const bytes = new Uint8Array(80 + payload.length);
  writeHeader(bytes, 0, {
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

const sequence = (size: number): Uint8Array => Uint8Array.from({ length: size }, (_, i) => (i * 7 + 3) % 251);

interface Seen {
  seq: bigint;
  payload: string;
}

function drain(framer: Framer): Seen[] {
  const seen: Seen[] = [];
  for (let next = framer.next(); next !== null; next = framer.next()) {
    seen.push({ seq: next.header.seq, payload: Buffer.from(next.copyPayload()).toString('hex') });
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

  it('hands a payload on where it lies, and in one piece where it was cut', () => {
    const bytes = packet(3, sequence(3000));
    const whole = new Framer();
    whole.push(bytes);
    const { bytes: memory, from, to } = whole.next()!;
    expect([memory, from, to]).toEqual([bytes, 80, 3080]);
    const cut = new Framer();
    for (const chunk of [bytes.subarray(0, 1000), bytes.subarray(1000, 2500)]) {
      cut.push(chunk);
      expect(cut.next()).toBeNull();
    }
    cut.push(bytes.subarray(2500));
    expect(cut.next()!.copyPayload()).toEqual(sequence(3000));
  });

  it('reads chunks whose memory is used again once it was told to let go of them', () => {
    const random = seeded('framer detached');
    const packets = Array.from({ length: 200 }, (_, i) => packet(3, random.bytes(random.int(9000)), BigInt(i)));
    const stream = concat(packets);
    const whole = new Framer();
    whole.push(stream);
    const framer = new Framer();
    const seen: Seen[] = [];
    const memory = new Uint8Array(20_000);
    for (let at = 0; at < stream.length; ) {
      const size = Math.min(1 + random.int(20_000), stream.length - at);
      memory.set(stream.subarray(at, at + size));
      framer.push(memory.subarray(0, size));
      at += size;
      // A reader that stops in the middle leaves packets behind.
      for (let most = random.int(4); most > 0; most--) {
        const next = framer.next();
        if (next === null) break;
        seen.push({ seq: next.header.seq, payload: Buffer.from(next.copyPayload()).toString('hex') });
      }
      framer.detach();
      memory.fill(0xee);
    }
    seen.push(...drain(framer));
    expect(seen).toEqual(drain(whole));
  });

  it('keeps framers apart that put packets together at the same time', () => {
    const framers = Array.from({ length: 20 }, () => new Framer());
    const packets = framers.map((_, i) => packet(3, new Uint8Array(60_000).fill(i), BigInt(i)));
    for (let at = 0; at < 60_080; at += 7_000) {
      framers.forEach((framer, i) => {
        framer.push(packets[i]!.subarray(at, at + 7_000));
        if (at < 56_000) expect(framer.next()).toBeNull();
      });
    }
    framers.forEach((framer, i) => {
      expect(
        framer
          .next()!
          .copyPayload()
          .every((byte) => byte === i),
      ).toBe(true);
      framer.clear();
    });
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
    expect(kept.copyPayload()).toEqual(Uint8Array.of(1));
  });

  it('gathers a payload that drips in, instead of an object for each byte', () => {
    const framer = new Framer();
    const bytes = packet(3, new Uint8Array(65_535).fill(7));
    for (let i = 0; i < bytes.length; i++) framer.push(bytes.subarray(i, i + 1));
    const payload = framer.next()!.copyPayload();
    expect(payload).toHaveLength(65_535);
    expect(payload.every((byte) => byte === 7)).toBe(true);
  });

  it('does not change what it has handed out before it is asked for more', () => {
    const framer = new Framer();
    const first = packet(3, new Uint8Array(40).fill(1));
    for (const byte of first) framer.push(Uint8Array.of(byte));
    const { bytes, from, to } = framer.next()!;
    for (const byte of packet(3, new Uint8Array(40).fill(2))) framer.push(Uint8Array.of(byte));
    expect(bytes.subarray(from, to)).toEqual(new Uint8Array(40).fill(1));
    expect(drain(framer)).toHaveLength(1);
  });

  it('gives the same packets however the stream is cut', { timeout: timeout('F2') }, () => {
    const random = seeded('framer chunking');
    const rounds = tries('F2');
    for (let round = 0; round < rounds; round++) {
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
    reached('F2', rounds);
  });

  it('takes any bytes: nothing is thrown but what the policy says, and it holds no more than a packet and a chunk', {
    timeout: timeout('F1'),
  }, () => {
    const random = seeded('framer garbage');
    const count = tries('F1');
    const ours = headerOf(new Uint8Array(16).fill(9));
    let framer = new Framer();
    const outcomes = { packets: 0, refused: 0, waiting: 0 };
    for (let input = 0; input < count; input++) {
      const chunk = random.int(2) === 0 ? random.bytes(random.int(200)) : almostPackets(random);
      framer.push(chunk);
      try {
        for (let next = framer.next(ours); next !== null; next = framer.next(ours)) outcomes.packets++;
        outcomes.waiting++;
      } catch (error) {
        if (!(error instanceof PoolError)) throw error;
        outcomes.refused++;
        framer = new Framer();
      }
      if (framer.bufferedBytes > 80 + 65_535 + chunk.length) expect(framer.bufferedBytes).toBe('bounded');
    }
    for (const times of Object.values(outcomes)) expect(times).toBeGreaterThan(0);
    reached('F1', count);
  });
});

/** Packets of which perhaps a byte is another, or too many, or missing. */
function almostPackets(random: Seeded): Uint8Array {
  const count = 1 + random.int(3);
  const good = concat(Array.from({ length: count }, () => packet(random.int(16), random.bytes(random.int(40)))));
  const at = random.int(good.length);
  const kind = random.int(4);
  if (kind === 0) return good;
  if (kind === 1) return good.slice(at);
  if (kind === 2) return concat([good.subarray(0, at), random.bytes(1), good.subarray(at)]);
  good[at]! ^= 1 << random.int(8);
  return good;
}
