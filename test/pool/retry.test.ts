import { getEventListeners } from 'node:events';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { dial, listen, PoolError, retry } from '../../src/index.js';
import { readRetryOptions, retryWith } from '../../src/pool/retry.js';

/** Timers that run at once and tell how long they were for. */
function instant() {
  const waits: number[] = [];
  const setTimeout = ((run: () => void, ms: number) => {
    waits.push(ms);
    setImmediate(run);
  }) as never;
  return { waits, timers: { setTimeout, clearTimeout: (() => undefined) as never } };
}

const lost = new PoolError('ECONNREFUSED', 'nobody listens');

describe('retry', () => {
  it('gives what comes of the first call that succeeds, and numbers them', async () => {
    const { waits, timers } = instant();
    const calls: number[] = [];
    const action = (attempt: number): string => {
      calls.push(attempt);
      if (attempt < 4) throw lost;
      return 'there';
    };
    expect(await retryWith(action, readRetryOptions({}), { timers, random: () => 0.5 })).toBe('there');
    expect(calls).toEqual([1, 2, 3, 4]);
    expect(waits).toEqual([75, 150, 300]);
  });

  it('waits twice as long each time, up to the longest, and between half and all of it', async () => {
    for (const [random, share] of [
      [0, 0.5],
      [1, 1],
    ] as const) {
      const { waits, timers } = instant();
      const options = readRetryOptions({ attempts: 8, minDelay: 10, maxDelay: 100 });
      await expect(retryWith(() => Promise.reject(lost), options, { timers, random: () => random })).rejects.toBe(lost);
      expect(waits).toEqual([10, 20, 40, 80, 100, 100, 100].map((ms) => ms * share));
    }
  });

  it.each([
    ['a mistake', new PoolError('ERR_POOL_INVALID_ADDRESS', 'x')],
    ['a peer that is not the one', new PoolError('ERR_POOL_AUTH_FAILED', 'x')],
    ['a request that failed there', new PoolError('ERR_POOL_REQUEST_FAILED', 'x')],
    ['an error of the program', new TypeError('x')],
    ['what is no error', 'x'],
  ])('is not for %s', async (_, error) => {
    const action = vi.fn(() => Promise.reject(error as Error));
    await expect(retry(action)).rejects.toBe(error);
    expect(action).toHaveBeenCalledTimes(1);
  });

  it('is for what `when` says', async () => {
    const { timers } = instant();
    const when = vi.fn((error: unknown, attempt: number) => error instanceof TypeError && attempt < 3);
    const action = vi.fn(() => Promise.reject(new TypeError('x')));
    const options = readRetryOptions({ when });
    await expect(retryWith(action, options, { timers, random: () => 0 })).rejects.toThrow('x');
    expect(when.mock.calls.map(([, attempt]) => attempt)).toEqual([1, 2, 3]);
  });

  it('waits for what `when` says where it is an async function', async () => {
    const { timers } = instant();
    const action = vi.fn(() => Promise.reject(lost));
    const run = (when: () => Promise<boolean>) =>
      retryWith(action, readRetryOptions({ when }), { timers, random: () => 1 });
    await expect(run(() => Promise.resolve(false))).rejects.toBe(lost);
    await expect(run(() => Promise.reject(new Error('of when')))).rejects.toThrow('of when');
    expect(action).toHaveBeenCalledTimes(2);
  });

  it('ends by its signal, in a wait and before a call, with the reason', async () => {
    const stop = new AbortController();
    const action = vi.fn(() => {
      setImmediate(() => stop.abort(new Error('enough')));
      return Promise.reject(lost);
    });
    await expect(retry(action, { signal: stop.signal, minDelay: 1_000_000 })).rejects.toThrow('enough');
    await expect(retry(action, { signal: stop.signal })).rejects.toThrow('enough');
    expect(action).toHaveBeenCalledTimes(1);
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
  });

  it.each([
    [5, {}, 'ERR_INVALID_ARG_TYPE'],
    [() => 1, { attempts: 0 }, 'ERR_OUT_OF_RANGE'],
    [() => 1, { minDelay: 0 }, 'ERR_OUT_OF_RANGE'],
    [() => 1, { minDelay: 10, maxDelay: 9 }, 'ERR_OUT_OF_RANGE'],
    [() => 1, { when: true }, 'ERR_INVALID_ARG_TYPE'],
    [() => 1, { retries: 3 }, 'ERR_INVALID_ARG_VALUE'],
  ])('%# is refused before the first call', async (action, options, code) => {
    await expect(retry(action as never, options as never)).rejects.toMatchObject({ code });
  });

  it('dials a server that comes late', async () => {
    // A port that is free: nobody else gets it in so short a time.
    const place = createServer().listen(0, '127.0.0.1');
    await once(place, 'listening');
    const address = `127.0.0.1:${(place.address() as { port: number }).port}`;
    place.close();
    await once(place, 'close');
    let tries = 0;
    const dialling = retry(
      () => {
        tries++;
        return dial(address, { backend: 'user' });
      },
      { minDelay: 1, maxDelay: 20 },
    );
    while (tries < 2) await new Promise(setImmediate);
    const listener = await listen(address, { backend: 'user' });
    const conn = await dialling;
    expect(conn.state).toBe('open');
    await conn.close();
    await listener.close({ connections: 'close' });
  });
});
