import { describe, expect, it } from 'vitest';
import { filled, FINISH, HELLO, KIND, readReport, encodeReport, WELCOME } from '../../../src/cli/bench/protocol.js';

describe('the protocol of bench', () => {
  it('fills a message of exactly the size, from one byte on, behind its letter', () => {
    for (const size of [1, 2, 64, 65_511]) {
      const message = filled(KIND.DATA, size);
      expect(message).toHaveLength(size);
      expect(String.fromCharCode(message[0]!)).toBe('D');
    }
  });

  it('fills it with what does not compress, the same each time', () => {
    const message = filled(KIND.ECHO, 10_000);
    expect(message.equals(filled(KIND.ECHO, 10_000))).toBe(true);
    const counts = new Map<number, number>();
    for (const byte of message.subarray(1)) counts.set(byte, (counts.get(byte) ?? 0) + 1);
    expect(counts.size).toBe(256);
    expect(Math.max(...counts.values())).toBeLessThan(10 * (10_000 / 256));
  });

  it('reports counts beyond 32 bits, and reads them back', () => {
    const counts = { messages: 2 ** 33 + 1, bytes: Number.MAX_SAFE_INTEGER };
    const message = encodeReport(counts);
    expect(message.toString('hex')).toBe('66' + '0000000200000001' + '001fffffffffffff');
    // A view that does not begin where its memory does, as messages are.
    expect(readReport(Buffer.concat([Buffer.from('xyz'), message]).subarray(3))).toEqual(counts);
  });

  it.each([
    ['too short', Buffer.from('f')],
    ['too long', Buffer.concat([encodeReport({ messages: 1, bytes: 1 }), Buffer.of(0)])],
    ['of another kind', filled(KIND.ECHO, 17)],
  ])('takes a message that is %s for no report', (_, message) => {
    expect(readReport(message)).toBeNull();
  });

  it('has a greeting that no echo answers, and letters that differ', () => {
    expect(WELCOME.equals(HELLO)).toBe(false);
    expect(new Set(Object.values(KIND)).size).toBe(Object.keys(KIND).length);
    expect(FINISH).toEqual(Buffer.from('F'));
  });
});
