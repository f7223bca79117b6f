import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SENTINELS, TABLE_BYTES, writtenBytes } from '../../../src/poolioc/abi/session-table.js';

describe('what a module wrote of the table', () => {
  const places = [0, 1, 119, 120, 7679, 7680, TABLE_BYTES - 1, TABLE_BYTES];

  it('goes up to the last byte that is not the sentinel, whatever lies before', () => {
    const length = fc.oneof(fc.constantFrom(...places), fc.integer({ min: 0, max: TABLE_BYTES }));
    const byte = fc.oneof(fc.constantFrom<number>(...SENTINELS), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.constantFrom(...SENTINELS), length, byte, (sentinel, written, before) => {
        const table = Buffer.from(new SharedArrayBuffer(TABLE_BYTES)).fill(sentinel).fill(before, 0, written);
        if (written > 0) table[written - 1] = sentinel ^ 1;
        expect(writtenBytes(table, sentinel)).toBe(written);
      }),
    );
  });
});
