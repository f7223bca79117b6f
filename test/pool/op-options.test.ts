import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { createConnection } from '../../src/http/index.js';
import { type Conn, dial, listen, requester, resolve, respond, retry } from '../../src/index.js';
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

describe('a signal of another realm or a polyfill', () => {
  const signal = { aborted: false, addEventListener: nothing, removeEventListener: nothing };

  it('is as good', () => {
    expect(signalOf({ signal } as never)).toBe(signal);
  });

  it('needs no throwIfAborted', async () => {
    const reason = new Error('enough');
    const signals = { fired: { ...signal, aborted: true, reason } as never, quiet: signal as never };
    const listener = await listen('127.0.0.1:0', { backend: 'user', signal: signals.quiet });
    const dialOn = (one: never): Promise<Conn> => dial(listener.addr, { backend: 'user', signal: one });
    const [client, server] = pipe();
    void respond(server, () => 'there', { signal: signals.quiet }).catch(nothing);
    const asking = requester(client);
    const operations: Record<string, (one: never) => Promise<unknown>> = {
      listen: (one) => listen('127.0.0.1:0', { backend: 'user', signal: one }).then((made) => made.close()),
      dial: dialOn,
      accept: (one) => listener.accept({ signal: one }),
      resolve: (one) => resolve('127.0.0.1:1', { signal: one }),
      retry: (one) => retry(() => 'there', { signal: one }),
      request: (one) => asking.request('', { signal: one }),
      respond: (one) => respond(pipe()[0], () => '', { signal: one }),
      createConnection: (one) => once(createConnection(listener.addr, { backend: 'user', signal: one }), 'connect'),
    };
    const outcomes = await Promise.allSettled(Object.values(operations).map((run) => run(signals.fired)));
    expect(outcomes).toEqual(outcomes.map(() => ({ status: 'rejected', reason })));
    for (const name of ['dial', 'accept', 'listen', 'resolve', 'retry', 'request']) {
      await operations[name]!(signals.quiet);
    }
    await listener.close({ connections: 'destroy' });
    client.destroy();
  });
});
