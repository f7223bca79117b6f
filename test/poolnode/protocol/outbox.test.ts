import { describe, expect, it } from 'vitest';
import { Outbox } from '../../../src/poolnode/protocol/outbox.js';
import { concat } from './pair.js';
import { seeded } from './seeded.js';

const SMALL = 4_096;
const LARGE = 132 * 1024;

function put(outbox: Outbox, bytes: Uint8Array): void {
  const at = outbox.reserve(bytes.length);
  outbox.slab.set(bytes, at);
}

describe('Outbox', () => {
  it('gives many small things as one piece', () => {
    const outbox = new Outbox();
    for (let i = 0; i < 10; i++) put(outbox, new Uint8Array(80).fill(i));
    expect(outbox.bytes).toBe(800);
    const pieces = outbox.take();
    expect(pieces).toHaveLength(1);
    expect(pieces[0]!.length).toBe(800);
    expect(outbox.bytes).toBe(0);
    expect(outbox.take()).toEqual([]);
  });

  it('keeps order, and takes a reservation back', () => {
    const outbox = new Outbox();
    put(outbox, Uint8Array.of(1));
    put(outbox, new Uint8Array(9_000).fill(9));
    outbox.reserve(77);
    outbox.unreserve(77);
    put(outbox, Uint8Array.of(2));
    expect(outbox.bytes).toBe(9_002);
    expect(concat(outbox.take())).toEqual(concat([Uint8Array.of(1), new Uint8Array(9_000).fill(9), Uint8Array.of(2)]));
  });

  it('has two of the longest packets in one piece', () => {
    const outbox = new Outbox();
    put(outbox, new Uint8Array(65_615).fill(1));
    put(outbox, new Uint8Array(65_615).fill(2));
    expect(outbox.take()).toHaveLength(1);
  });

  it('never changes what was taken before it is written, with many outboxes on one stock of memory', () => {
    const random = seeded('outbox');
    const outboxes = Array.from({ length: 12 }, () => ({
      outbox: new Outbox(),
      taken: [] as [Uint8Array[], Uint8Array][],
    }));
    for (let round = 0; round < 3_000; round++) {
      const { outbox, taken } = outboxes[random.int(outboxes.length)]!;
      const size = (): number => (random.int(6) === 0 ? random.int(65_000) : random.int(300));
      const parts = Array.from({ length: random.int(8) }, () => random.bytes(1 + size()));
      for (const part of parts) put(outbox, part);
      const pieces = outbox.take();
      if (pieces.length > 0) taken.push([pieces, concat(parts)]);
      // Written in their order, some of them late.
      while (taken.length > random.int(5)) {
        const [oldest, expected] = taken.shift()!;
        expect(Buffer.concat(oldest).equals(expected)).toBe(true);
        outbox.written();
      }
    }
    for (const { taken } of outboxes) {
      for (const [pieces, expected] of taken) expect(Buffer.concat(pieces).equals(expected)).toBe(true);
    }
  });

  it('uses the same memory again, and holds none while nothing is under way', () => {
    const outbox = new Outbox();
    const memory = new Set<ArrayBufferLike>();
    for (let i = 0; i < 100; i++) {
      put(outbox, new Uint8Array(65_000));
      memory.add(outbox.slab.buffer);
      outbox.take();
      outbox.written();
      expect(outbox.slab.length).toBe(0);
    }
    expect(memory.size).toBe(1);
  });

  it('goes on behind what is under way', () => {
    const outbox = new Outbox();
    put(outbox, Uint8Array.of(1));
    const [first] = outbox.take();
    put(outbox, Uint8Array.of(2));
    const [second] = outbox.take();
    outbox.written();
    expect([first![0], second![0], first!.buffer === second!.buffer]).toEqual([1, 2, true]);
    put(outbox, Uint8Array.of(3));
    expect([first![0], second![0]]).toEqual([1, 2]);
  });

  it('begins small, and grows with what one taking brings', () => {
    const outbox = new Outbox();
    put(outbox, new Uint8Array(80));
    expect(outbox.slab.length).toBe(SMALL);
    for (let i = 0; i < 100; i++) put(outbox, new Uint8Array(160));
    expect(outbox.slab.length).toBe(LARGE);
    expect(outbox.take()).toHaveLength(2);
  });
});
