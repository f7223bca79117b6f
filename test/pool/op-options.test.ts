import { describe, expect, it } from 'vitest';
import { pipe } from '../../src/testing/index.js';
import { signalOf } from '../../src/pool/op-options.js';
import { readDialOptions } from '../../src/pool/options.js';

const nothing = (): void => {};

describe('what is no AbortSignal', () => {
  it.each([
    null,
    5,
    {},
    { aborted: false },
    { aborted: false, addEventListener: nothing },
    { aborted: 'no', addEventListener: nothing, removeEventListener: nothing },
  ])('is refused: %j', (signal) => {
    expect(() => signalOf({ signal } as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
  });

  it('leaves the flow as it was: the next read gets the next message', async () => {
    const [conn, peer] = pipe();
    await expect(conn.readMessage({ signal: { aborted: false } as never })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARG_TYPE',
    });
    await peer.writeMessage('still there');
    expect(Buffer.from((await conn.readMessage())!).toString()).toBe('still there');
    await Promise.all([conn.close(), peer.close()]);
  });
});

it('a signal in the place of the options is refused: it would never cancel anything', async () => {
  const [conn, peer] = pipe();
  const { signal } = new AbortController();
  const refused = { code: 'ERR_INVALID_ARG_TYPE', message: expect.stringContaining('{ signal }') as string };
  await expect(conn.readMessage(signal as never)).rejects.toMatchObject(refused);
  expect(() => readDialOptions(signal)).toThrow(expect.objectContaining(refused));
  await Promise.all([conn.close(), peer.close()]);
});

it('a signal of another realm or a polyfill is as good', () => {
  const signal = { aborted: false, addEventListener: nothing, removeEventListener: nothing };
  expect(signalOf({ signal } as never)).toBe(signal);
});
