import { describe, expect, it } from 'vitest';
import { PlaintextPool } from '../../../src/poolnode/crypto/plaintext-pool.js';

const LONGEST = 65_519;
/** More than are kept. */
const MANY = 40;

const allocated = (pool: PlaintextPool, sizes: number[]): Uint8Array[] => sizes.map((size) => pool.allocate(size));

/** Whether no two of them share a byte. */
function apart(messages: readonly Uint8Array[]): boolean {
  messages.forEach((message, n) => message.fill(n));
  return messages.every((message, n) => message.every((byte) => byte === n));
}

describe('memory for messages', () => {
  it('gives each message its own, whatever was given back before', () => {
    const pool = new PlaintextPool();
    for (const message of allocated(pool, [LONGEST, 40_000, 5000, 4096, 64, 8, LONGEST])) pool.giveBack(message);
    const messages = allocated(pool, [5000, LONGEST, 4096, 64, 8, 40_000, 33_000, LONGEST]);
    expect(messages.map(({ length }) => length)).toEqual([5000, LONGEST, 4096, 64, 8, 40_000, 33_000, LONGEST]);
    expect(apart(messages)).toBe(true);
  });

  it('uses that of long messages again which were given back, the last one first', () => {
    const pool = new PlaintextPool();
    const [first, second] = [pool.allocate(LONGEST), pool.allocate(LONGEST)];
    pool.giveBack(first);
    pool.giveBack(second);
    expect(pool.allocate(40_000).buffer).toBe(second.buffer);
    expect(pool.allocate(LONGEST).buffer).toBe(first.buffer);
    expect([first.buffer, second.buffer]).not.toContain(pool.allocate(LONGEST).buffer);
  });

  it('gives memory that was given back twice to one message only', () => {
    const pool = new PlaintextPool();
    const message = pool.allocate(LONGEST);
    pool.giveBack(message);
    pool.giveBack(message);
    expect(apart(allocated(pool, [LONGEST, LONGEST]))).toBe(true);
  });

  it('leaves the memory that short messages share to those', () => {
    const pool = new PlaintextPool();
    const messages = allocated(pool, [4096, 64, 4096]);
    pool.giveBack(messages[1]!);
    pool.giveBack(messages[0]!);
    expect(apart([...messages, ...allocated(pool, [LONGEST, 64, 50_000])])).toBe(true);
  });

  it('keeps no more than a few', () => {
    const pool = new PlaintextPool();
    const before = allocated(pool, new Array<number>(MANY).fill(LONGEST));
    for (const message of before) pool.giveBack(message);
    const known = new Set(before.map(({ buffer }) => buffer));
    const again = allocated(pool, new Array<number>(MANY).fill(LONGEST)).filter(({ buffer }) => known.has(buffer));
    expect(again.length).toBe(16);
  });
});
