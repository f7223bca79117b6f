import { describe, expect, it } from 'vitest';
import { isSequenceCollision, OwnSequence, PeerSequence } from '../../../src/poolnode/protocol/sequence.js';

const FAR = 1n << 40n;
const MAX = (1n << 64n) - 1n;

function peer(base: bigint, ownFirst = 0n): { own: OwnSequence; peer: PeerSequence } {
  const own = new OwnSequence(ownFirst);
  return { own, peer: new PeerSequence(own, base) };
}

function caught(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return null;
}

describe('OwnSequence', () => {
  it.each([(1n << 53n) - 1n, (1n << 53n) + 1n, (1n << 63n) - 1n])('counts on from %d by one', (first) => {
    const own = new OwnSequence(first);
    expect([own.take(), own.take(), own.take(), own.next]).toEqual([first, first + 1n, first + 2n, first + 3n]);
    expect([first - 1n, first, first + 2n, first + 3n].map((seq) => own.sent(seq))).toEqual([false, true, true, false]);
  });

  it('ends at 2^64 - 1 instead of wrapping', () => {
    const own = new OwnSequence(MAX - 1n);
    expect([own.take(), own.take()]).toEqual([MAX - 1n, MAX]);
    for (let i = 0; i < 2; i++) expect(() => own.take()).toThrowError(/used up/);
  });

  it.each([-1n, MAX + 1n])('refuses to start from %d', (first) => {
    expect(() => new OwnSequence(first)).toThrowError(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }));
  });
});

describe('PeerSequence', () => {
  it.each<[offset: bigint, accepted: boolean]>([
    [0n, false],
    [1n, true],
    [2n, false],
    [-1n, false],
    [-64n, false],
    [FAR, false],
  ])('after the base, base + %d is accepted: %s', (offset, accepted) => {
    for (const base of [FAR, (1n << 53n) - 1n, (1n << 63n) - 1n]) {
      const { peer: sequence } = peer(base);
      sequence.accept(base, false);
      const error = caught(() => sequence.accept(base + offset, false));
      expect(error === null).toBe(accepted);
      expect(sequence.last).toBe(accepted ? base + offset : base);
    }
  });

  it('refuses to go round at 2^64', () => {
    const { peer: sequence } = peer(MAX);
    sequence.accept(MAX, false);
    expect(() => sequence.accept(0n, false)).toThrow();
  });

  it('refuses a number of our own: a packet reflected', () => {
    const own = new OwnSequence(100n);
    const sequence = new PeerSequence(own, FAR);
    for (let i = 0; i < 5; i++) own.take();
    sequence.expectJump();
    expect(() => sequence.accept(102n, false)).toThrowError(/came back/);
  });

  it('takes a base within 2^33 of our own numbers for a collision, which another draw cures', () => {
    const distance = 1n << 33n;
    const own = new OwnSequence(1n << 50n);
    own.take();
    for (const [base, collides] of [
      [own.first - distance + 1n, true],
      [own.next + distance - 1n, true],
      [own.first - distance, false],
      [own.next + distance, false],
    ] as const) {
      const error = caught(() => new PeerSequence(own, base));
      expect(isSequenceCollision(error)).toBe(collides);
    }
    expect(isSequenceCollision(new Error('other'))).toBe(false);
  });
});

describe('the jump of a REKEY', () => {
  const BASE = FAR;
  const NEW = 1n << 60n;

  function expecting(): PeerSequence {
    const { peer: sequence } = peer(BASE);
    sequence.accept(BASE, false);
    sequence.expectJump();
    return sequence;
  }

  it.each<[name: string, before: [bigint, boolean][]]>([
    ['with the last packet under old keys', []],
    ['with the first packet under new keys', [[BASE + 1n, false]]],
    ['with the second packet under new keys', [[BASE + 1n, true]]],
  ])('is taken once, %s', (_, before) => {
    const sequence = expecting();
    for (const [seq, newKeys] of before) sequence.accept(seq, newKeys);
    sequence.accept(NEW, before.length > 0);
    sequence.accept(NEW + 1n, true);
    expect(() => sequence.accept(NEW + FAR, true)).toThrow();
    expect(() => sequence.accept(BASE + 2n, true)).toThrow();
  });

  it('is over with the second packet under new keys', () => {
    const sequence = expecting();
    sequence.accept(BASE + 1n, true);
    sequence.accept(BASE + 2n, true);
    expect(() => sequence.accept(NEW, true)).toThrow();
  });

  it('is not granted without a REKEY', () => {
    const { peer: sequence } = peer(BASE);
    sequence.accept(BASE, false);
    expect(() => sequence.accept(NEW, false)).toThrow();
  });

  it('goes far: a gap of a few packets is a loss, and a packet of before a replay', () => {
    for (const seq of [BASE + 2n, BASE + 1_000n, BASE + (1n << 33n) - 1n, BASE, BASE - 5n]) {
      expect(() => expecting().accept(seq, true)).toThrow();
    }
    expect(() => expecting().accept(BASE + (1n << 33n), true)).not.toThrow();
  });

  it('into our own numbers is a collision', () => {
    const own = new OwnSequence(NEW);
    const sequence = new PeerSequence(own, BASE);
    sequence.accept(BASE, false);
    sequence.expectJump();
    expect(isSequenceCollision(caught(() => sequence.accept(NEW + 5n, true)))).toBe(true);
  });
});
