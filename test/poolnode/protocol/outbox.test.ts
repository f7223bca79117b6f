import { describe, expect, it } from 'vitest';
import { Outbox } from '../../../src/poolnode/protocol/outbox.js';
import { concat } from './pair.js';
import { seeded } from './seeded.js';

function put(outbox: Outbox, bytes: Uint8Array): void {
  const at = outbox.reserve(bytes.length);
  outbox.slab.set(bytes, at);
}

describe('Outbox', () => {
  it('gives many small things as one piece', () => {
    const outbox = new Outbox();
    for (let i = 0; i < 10; i++) put(outbox, new Uint8Array(80).fill(i));
    const pieces = outbox.take();
    expect(pieces).toHaveLength(1);
    expect(pieces[0]!.length).toBe(800);
    expect(outbox.bytes).toBe(0);
    expect(outbox.take()).toEqual([]);
  });

  it('keeps the order of small things and long ones, the long ones by reference', () => {
    const outbox = new Outbox();
    const long = new Uint8Array(9_000).fill(9);
    put(outbox, Uint8Array.of(1));
    outbox.push(long);
    put(outbox, Uint8Array.of(2));
    put(outbox, Uint8Array.of(3));
    expect(outbox.bytes).toBe(9_003);
    const pieces = outbox.take();
    expect(pieces.map((piece) => piece.length)).toEqual([1, 9_000, 2]);
    expect(pieces[1]).toBe(long);
  });

  it('never changes what was taken', () => {
    const random = seeded('outbox');
    const outbox = new Outbox();
    const taken: { pieces: Uint8Array[]; expected: Uint8Array }[] = [];
    for (let round = 0; round < 60; round++) {
      const parts = Array.from({ length: random.int(40) }, () => random.bytes(1 + random.int(900)));
      for (const part of parts) {
        if (part.length > 800) outbox.push(part);
        else put(outbox, part);
      }
      taken.push({ pieces: outbox.take(), expected: concat(parts) });
    }
    for (const { pieces, expected } of taken) expect(Buffer.concat(pieces).equals(expected)).toBe(true);
  });

  it('holds little while little is sent, and more pieces stay few while much is', () => {
    const outbox = new Outbox();
    for (let i = 0; i < 100; i++) {
      put(outbox, new Uint8Array(80));
      outbox.take();
    }
    expect(outbox.slab.length).toBe(2_048);
    for (let i = 0; i < 2_000; i++) put(outbox, new Uint8Array(160));
    expect(outbox.slab.length).toBe(65_536);
    expect(outbox.take().length).toBeLessThan(12);
  });
});
