/** Requests and answers over a pipe in memory; the contract runs them on each backend. */
import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Conn, type Flow, type PoolError, requester, respond, type RespondOptions } from '../../../src/index.js';
import { pack, packRequest, unpack } from '../../../src/pool/requests/envelope.js';
import { pipe } from '../../../src/testing/index.js';
import { seeded } from '../../poolnode/protocol/seeded.js';

let client: Conn;
let server: Conn;
beforeEach(() => void ([client, server] = pipe()));
afterEach(() => {
  client.destroy();
  server.destroy();
});

/** Holds its requests until it is told what to do with them. */
function holding(flow: Flow = server, options: RespondOptions = {}) {
  const held: { text: string; signal: AbortSignal; answer: (text: string) => void; fail: (error: Error) => void }[] =
    [];
  const responding = respond(
    flow,
    (request) =>
      new Promise<string>((answer, fail) => {
        held.push({ text: request.text(), signal: request.signal, answer, fail });
      }),
    options,
  );
  responding.catch(() => undefined);
  return { held, responding };
}

const settled = async (done: () => boolean): Promise<void> => {
  while (!done()) await new Promise(setImmediate);
};
const textOf = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString();

describe('a request', () => {
  it('is answered with bytes, with text, and with nothing', async () => {
    void respond(server, ({ data, text }) => (data.length === 0 ? undefined : data[0] === 0 ? data : text())).catch(
      () => undefined,
    );
    const { request, requestText } = bound(client);
    expect(await request(Uint8Array.of(0, 1, 255))).toEqual(Uint8Array.of(0, 1, 255));
    expect(await requestText('grüße')).toBe('grüße');
    expect(await request('')).toEqual(new Uint8Array(0));
  });

  it('gets its own answer, in whatever order they come', async () => {
    const random = seeded('order of answers');
    const { held } = holding(server, { concurrency: 500 });
    const asking = requester(client);
    const answers = Array.from({ length: 500 }, (_, index) => asking.requestText(`${index}`));
    await settled(() => held.length === 500);
    expect(held.map(({ text }) => text)).toEqual(answers.map((_, index) => `${index}`));
    expect(asking.pending).toBe(500);
    for (const rest = [...held]; rest.length > 0; ) {
      const [one] = rest.splice(random.int(rest.length), 1);
      one!.answer(`${one!.text}!`);
    }
    expect(await Promise.all(answers)).toEqual(answers.map((_, index) => `${index}!`));
    expect(asking.pending).toBe(0);
  });

  it('whose handler fails is told so, and not why', async () => {
    const onError = vi.fn();
    const { held } = holding(server, { onError });
    const asking = requester(client);
    const failing = asking.request('x');
    await settled(() => held.length === 1);
    held[0]!.fail(new Error('the password is hunter2'));
    const error = (await failing.catch((reason: unknown) => reason)) as PoolError;
    expect(error).toMatchObject({ code: 'ERR_POOL_REQUEST_FAILED', syscall: 'request' });
    expect(JSON.stringify(error) + String(error.stack)).not.toContain('hunter2');
    expect(error.stack).toContain('requests.test.ts');
    expect(onError).toHaveBeenCalledWith(new Error('the password is hunter2'), expect.objectContaining({}));
    const next = asking.requestText('y');
    await settled(() => held.length === 2);
    held[1]!.answer('fine');
    expect(await next).toBe('fine');
  });

  it('whose answer is too long, or none that can be sent, fails like it', async () => {
    const errors: unknown[] = [];
    const answers = [new Uint8Array(server.maxMessageSize - 4), 5 as never, new Uint8Array(server.maxMessageSize - 5)];
    void respond(server, () => answers.shift(), { onError: (error) => void errors.push(error) }).catch(() => undefined);
    const asking = requester(client);
    await expect(asking.request('x')).rejects.toMatchObject({ code: 'ERR_POOL_REQUEST_FAILED' });
    await expect(asking.request('x')).rejects.toMatchObject({ code: 'ERR_POOL_REQUEST_FAILED' });
    expect((await asking.request('x')).length).toBe(server.maxMessageSize - 5);
    expect(errors).toMatchObject([{ code: 'ERR_POOL_MESSAGE_TOO_LARGE' }, { code: 'ERR_INVALID_ARG_TYPE' }]);
  });

  it('that nobody answers ends at its deadline, and its handler hears of that', async () => {
    const { held } = holding();
    const asking = requester(client);
    const late = asking.request('late', { timeout: 20 });
    await expect(late).rejects.toMatchObject({ code: 'ERR_POOL_TIMEOUT', timeout: true });
    await settled(() => held.length === 1 && held[0]!.signal.aborted);
    // The answer that comes all the same belongs to nobody.
    held[0]!.answer('too late');
    const next = asking.requestText('next');
    await settled(() => held.length === 2);
    held[1]!.answer('in time');
    expect(await next).toBe('in time');
  });

  it('tells its deadline, which the handler is held to without another word', async () => {
    const { held } = holding();
    await client.writeMessage(packRequest(1, 10, Buffer.from('x')));
    await settled(() => held.length === 1 && held[0]!.signal.aborted);
    expect(held[0]!.signal.reason).toMatchObject({ code: 'ERR_POOL_TIMEOUT' });
  });

  it('is given up by its signal, with its reason, and leaves nothing behind', async () => {
    const { held } = holding();
    const asking = requester(client);
    const stop = new AbortController();
    const given = asking.request('x', { signal: stop.signal });
    await settled(() => held.length === 1);
    stop.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');
    await settled(() => held[0]!.signal.aborted);
    expect(held[0]!.signal.reason).toMatchObject({ code: 'ABORT_ERR' });
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
    expect(asking.pending).toBe(0);
    await expect(asking.request('x', { signal: stop.signal })).rejects.toThrow('enough');
    expect(held.length).toBe(1);
  });

  it.each([
    [5, undefined, 'ERR_INVALID_ARG_TYPE'],
    ['x', { timeout: -1 }, 'ERR_OUT_OF_RANGE'],
    ['x', { timeout: '1s' }, 'ERR_INVALID_ARG_TYPE'],
    ['x', { timeuot: 1 }, 'ERR_INVALID_ARG_VALUE'],
    [new Uint8Array(70_000), undefined, 'ERR_POOL_MESSAGE_TOO_LARGE'],
  ])('%# is refused before anything is sent', async (data, options, code) => {
    await expect(requester(client).request(data as never, options as never)).rejects.toMatchObject({ code });
    await client.close();
    expect(await server.readMessage()).toBeNull();
  });
});

describe('the end of the flow', () => {
  it('by the peer ends what waits, and what comes after', async () => {
    const { held, responding } = holding();
    const asking = requester(client);
    const waiting = [asking.request('a'), asking.request('b')];
    await settled(() => held.length === 2);
    const closing = server.close();
    for (const { signal, answer } of held) {
      await settled(() => signal.aborted);
      answer('nobody waits');
    }
    await Promise.all([closing, responding]);
    for (const one of waiting) await expect(one).rejects.toMatchObject({ code: 'ERR_POOL_NOT_ESTABLISHED' });
    await expect(asking.request('c')).rejects.toMatchObject({
      code: 'ERR_POOL_NOT_ESTABLISHED',
      message: expect.stringMatching(/^request pool .*: the peer closed, and answers no more$/) as string,
    });
  });

  it('by this side is an end for both', async () => {
    const { held, responding } = holding();
    const asking = requester(client);
    const waiting = asking.request('a');
    await settled(() => held.length === 1);
    const ended = expect(waiting).rejects.toMatchObject({
      code: 'ERR_POOL_CLOSED',
      message: expect.stringMatching(/^request pool \S+: the connection was closed by this side$/) as string,
    });
    await Promise.all([client.close(), ended]);
    await settled(() => held[0]!.signal.aborted);
    held[0]!.answer('nobody waits');
    await responding;
  });

  it('by a lost peer rejects with that', async () => {
    const { held, responding } = holding();
    const waiting = requester(client).request('a');
    await settled(() => held.length === 1);
    client.destroy();
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_POOL_CLOSED' });
    await settled(() => held[0]!.signal.aborted);
    held[0]!.fail(new Error('as asked'));
    await expect(responding).rejects.toMatchObject({ code: 'ERR_POOL_PEER_LOST' });
  });

  it.each<[string, () => unknown, string | null]>([
    ['a lost peer', () => client.destroy(), 'ERR_POOL_PEER_LOST'],
    ["the peer's close", () => client.close(), null],
    ["this side's close", () => server.close(), null],
    ['destroying it here', () => server.destroy(), null],
  ])('by %s is noticed while all places are taken; what waits for one is not begun', async (_, end, code) => {
    const { held, responding } = holding(server, { concurrency: 1 });
    const asking = requester(client);
    const waiting = ['a', 'b', 'c'].map((text) => asking.request(text, { timeout: 0 }));
    for (const one of waiting) one.catch(() => undefined);
    await settled(() => held.length === 1 && server.bytesRead === 30);
    void end();
    await settled(() => held[0]!.signal.aborted);
    held[0]!.fail(new Error('as asked'));
    const told = await responding.then(
      () => null,
      (error: PoolError) => error.code,
    );
    expect(told).toBe(code);
    expect(held.length).toBe(1);
    await Promise.allSettled(waiting);
  });
});

describe('respond', () => {
  it('has so many handlers at a time, and holds the others back', async () => {
    const { held } = holding(server, { concurrency: 2 });
    const asking = requester(client);
    const answers = ['a', 'b', 'c', 'd'].map((text) => asking.requestText(text));
    await settled(() => held.length === 2);
    await asking.request('e', { timeout: 5 }).catch(() => undefined);
    expect(held.map(({ text }) => text)).toEqual(['a', 'b']);
    held[1]!.answer('B');
    await settled(() => held.length === 3);
    expect(held[2]!.text).toBe('c');
    held[0]!.answer('A');
    await settled(() => held.length === 4);
    held[2]!.answer('C');
    held[3]!.answer('D');
    expect(await Promise.all(answers)).toEqual(['A', 'B', 'C', 'D']);
  });

  it('ends by its signal with the reason, and the flow goes on', async () => {
    const stop = new AbortController();
    const { held, responding } = holding(server, { signal: stop.signal });
    void requester(client)
      .request('a')
      .catch(() => undefined);
    await settled(() => held.length === 1);
    stop.abort(new Error('enough'));
    await settled(() => held[0]!.signal.aborted);
    held[0]!.answer('x');
    await expect(responding).rejects.toThrow('enough');
    expect(server.state).toBe('open');
    const again = respond(server, () => 'again');
    await client.close();
    await again;
  });

  it('ended by its signal leaves what had not begun to the next one, and fails what had', async () => {
    const stop = new AbortController();
    const { held, responding } = holding(server, { signal: stop.signal, concurrency: 1 });
    const asking = requester(client);
    const answers = ['a', 'b', 'c', 'd'].map((text) => asking.requestText(text, { timeout: 0 }));
    for (const one of answers) one.catch(() => undefined);
    await settled(() => held.length === 1 && server.bytesRead === 40);
    stop.abort(new Error('enough'));
    await settled(() => held[0]!.signal.aborted);
    expect(held[0]!.signal.reason).toEqual(new Error('enough'));
    held[0]!.answer('whatever a handler gives that was told to stop');
    await expect(responding).rejects.toThrow('enough');
    await expect(answers[0]).rejects.toMatchObject({ code: 'ERR_POOL_REQUEST_FAILED' });
    const order: string[] = [];
    void respond(server, ({ text }) => {
      order.push(text());
      return text().toUpperCase();
    }).catch(() => undefined);
    expect(await Promise.all(answers.slice(1))).toEqual(['B', 'C', 'D']);
    expect(order).toEqual(['b', 'c', 'd']);
  });

  it('leaves what it has no place for unread, but for one', async () => {
    const { held } = holding(server, { concurrency: 2 });
    const asking = requester(client);
    for (let number = 0; number < 10; number++) asking.request('x').catch(() => undefined);
    await settled(() => server.bytesRead === 100);
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    expect([held.length, server.readableLength]).toEqual([2, 70]);
  });

  it('hears that a request was given up while all places are taken', async () => {
    const { held } = holding(server, { concurrency: 1 });
    const stop = new AbortController();
    requester(client)
      .request('x', { signal: stop.signal, timeout: 0 })
      .catch(() => undefined);
    await settled(() => held.length === 1);
    stop.abort();
    await settled(() => held[0]!.signal.aborted);
  });

  it('listens to its signal as long as it reads, and no longer', async () => {
    const stop = new AbortController();
    const { responding } = holding(server, { signal: stop.signal });
    // One on the signal itself: what listens to an AbortSignal.any of it is kept as long as it lives, and shows nowhere.
    expect(getEventListeners(stop.signal, 'abort').length).toBe(1);
    await client.close();
    await responding;
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
  });

  it.each([
    [
      'throws',
      (): never => {
        throw new Error('no more');
      },
    ],
    ['rejects with', () => Promise.reject(new Error('no more'))],
  ])('ends with what onError %s', async (_, onError) => {
    const responding = respond(server, () => Promise.reject(new Error('first')), { onError });
    const waiting = requester(client).request('a');
    await expect(responding).rejects.toThrow('no more');
    server.destroy();
    await expect(waiting).rejects.toMatchObject({ code: expect.stringMatching(/LOST|FAILED/) as string });
  });

  it('warns of the first handler that fails, where nobody else is told', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    try {
      void respond(server, () => Promise.reject(new Error('why'))).catch(() => undefined);
      const asking = requester(client);
      for (const text of ['a', 'b']) await asking.request(text).catch(() => undefined);
      expect(warn.mock.calls).toEqual([[expect.any(String), 'PoolWarning', 'POOL_RESPOND_HANDLER']]);
      expect(warn.mock.calls[0]?.[0]).toContain('why');
    } finally {
      warn.mockRestore();
    }
  });

  it.each([
    [undefined, {}, 'ERR_INVALID_ARG_TYPE'],
    [() => 'x', { concurrency: 0 }, 'ERR_OUT_OF_RANGE'],
    [() => 'x', { onError: 'log' }, 'ERR_INVALID_ARG_TYPE'],
    [() => 'x', { conurrency: 1 }, 'ERR_INVALID_ARG_VALUE'],
  ])('%# is refused', async (handler, options, code) => {
    await expect(respond(server, handler as never, options as never)).rejects.toMatchObject({ code });
  });
});

describe('a flow', () => {
  it('has one that reads it, and has to be one', async () => {
    requester(client);
    expect(() => requester(client)).toThrow(expect.objectContaining({ code: 'ERR_POOL_LOCKED' }));
    await expect(respond(client, () => '')).rejects.toMatchObject({ code: 'ERR_POOL_LOCKED' });
    expect(() => requester({} as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
    expect(() => requester(null as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
  });
});

describe('a peer that speaks something else', () => {
  it.each([
    ['text', Buffer.from('hello, is this HTTP?')],
    ['a byte', Buffer.from([1])],
    ['a request that is cut', Buffer.from([1, 0, 0, 0, 1, 0, 0])],
    ['an answer', Buffer.from(pack('answer', 1))],
    ['a kind that there is not', Buffer.from([9, 0, 0, 0, 1])],
  ])('%s ends respond and the flow', async (_, message) => {
    const { responding } = holding();
    await client.writeMessage(message);
    await expect(responding).rejects.toMatchObject({ code: 'ERR_POOL_PROTOCOL' });
    expect(server.state).toBe('closed');
  });

  it('two requests of one number end it too', async () => {
    const { held, responding } = holding();
    await client.writeMessages([packRequest(3, 0, Buffer.from('a')), packRequest(3, 0, Buffer.from('b'))]);
    await settled(() => held.length === 1 && held[0]!.signal.aborted);
    held[0]!.answer('x');
    await expect(responding).rejects.toMatchObject({ code: 'ERR_POOL_PROTOCOL' });
  });

  it.each([
    ['an echo', (message: Uint8Array) => message],
    ['text', () => Buffer.from('hello')],
    ['a cancellation', () => pack('cancel', 1)],
  ])('%s ends what waits for answers', async (_, reply) => {
    const waiting = requester(client).request('x');
    await server.writeMessage(reply((await server.readMessage())!));
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_POOL_PROTOCOL' });
    expect(client.state).toBe('closed');
  });

  it('answers to nobody, and cancellations of nothing, are passed over', async () => {
    const asking = requester(client);
    const waiting = asking.requestText('x');
    const envelope = unpack((await server.readMessage())!);
    await server.writeMessages([
      pack('answer', 77, Buffer.from('no')),
      pack('failed', 78),
      pack('answer', envelope.id),
    ]);
    expect(await waiting).toBe('');
  });
});

it('has the messages that the guide tells', () => {
  expect(Buffer.from(packRequest(1, 1500, Buffer.from('?'))).toString('hex')).toBe('0100000001000005dc3f');
  expect(Buffer.from(pack('answer', 2 ** 32 - 1, Buffer.from('!'))).toString('hex')).toBe('02ffffffff21');
  expect(Buffer.from(pack('failed', 2)).toString('hex')).toBe('0300000002');
  expect(Buffer.from(pack('cancel', 3)).toString('hex')).toBe('0400000003');
  expect(textOf((unpack(packRequest(1, 0.2, Buffer.from('?')) as never) as { body: Uint8Array }).body)).toBe('?');
  expect(unpack(packRequest(1, 0.2, Buffer.from('?')) as never)).toMatchObject({ kind: 'request', timeout: 1 });
});

function bound(flow: Flow) {
  const asking = requester(flow);
  return {
    request: (data: Uint8Array | string) => asking.request(data),
    requestText: (data: string) => asking.requestText(data),
  };
}
