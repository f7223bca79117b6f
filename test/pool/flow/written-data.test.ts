import { expect, it } from 'vitest';
import { toMessages } from '../../../src/pool/flow/written-data.js';

it('a batch with a hole is refused before anything of it is sent', () => {
  const sparse: unknown[] = ['a'];
  sparse[2] = 'c';
  expect(() => toMessages(sparse, 10)).toThrow(
    expect.objectContaining({
      code: 'ERR_INVALID_ARG_TYPE',
      message: 'data is bytes (an ArrayBuffer or a view of bytes) or a string, not undefined',
    }),
  );
});

it('a batch keeps its order and copies no bytes', () => {
  const bytes = Uint8Array.of(1, 2);
  const messages = toMessages([bytes, 'b'], 10);
  expect(messages[0]).toBe(bytes);
  expect(messages.map(({ length }) => length)).toEqual([2, 1]);
});
