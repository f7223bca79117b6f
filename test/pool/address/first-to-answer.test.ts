import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/base/errors.js';
import { Addr } from '../../../src/pool/address/addr.js';
import type { BackendSession } from '../../../src/pool/backend.js';
import { firstToAnswer, type Try } from '../../../src/pool/address/first-to-answer.js';
import { FakeBackend, rejection, settled } from '../fake-backend.js';

const ADDRESSES: [Addr, ...Addr[]] = [new Addr('::1', 1), new Addr('10.0.0.1', 1), new Addr('10.0.0.2', 1)];
const refused = (): PoolError => new PoolError('ECONNREFUSED', 'connection refused', { errno: 111 });

function race(stagger: number | null, addresses = ADDRESSES) {
  const backend = new FakeBackend();
  const stop = new AbortController();
  const dial = (address: Addr, { signal, turn }: Try) => backend.dial(address, { signal, beforeResponse: turn });
  const session = firstToAnswer(addresses, dial, { signal: stop.signal, stagger });
  return { backend, stop, session };
}

const dialled = (backend: FakeBackend): string[] => backend.dials.map(({ address }) => address.address);

/** How this end of a session ended, as its peer sees it. */
function peerEnd(peer: BackendSession): Promise<string> {
  return new Promise((resolve) => {
    peer.start({ message: () => true, drain: () => {}, end: ({ by, error }) => resolve(error?.code ?? by) });
  });
}

describe('firstToAnswer', () => {
  it('starts the next try when the delay is over, and gives up none of those before', async () => {
    const { backend, session } = race(10);
    await backend.nth(2);
    expect(dialled(backend)).toEqual(['::1', '10.0.0.1', '10.0.0.2']);
    expect(backend.dials.map(({ signal }) => signal?.aborted)).toEqual([false, false, false]);
    // The first one, slow as it is, wins.
    (await backend.nth(0)).answer();
    expect((await session).remoteAddr.address).toBe('::1');
    expect(backend.dials.map(({ signal }) => signal?.aborted)).toEqual([true, true, true]);
  });

  it('starts the next try at once when the last one failed', async () => {
    const { backend, session } = race(2 ** 30);
    (await backend.nth(0)).fail(refused());
    (await backend.nth(1)).answer();
    expect((await session).remoteAddr.address).toBe('10.0.0.1');
    expect(dialled(backend)).toEqual(['::1', '10.0.0.1']);
  });

  it('does not hurry when one fails while a later one is under way', async () => {
    const { backend, session } = race(20);
    await backend.nth(1);
    backend.dials[0]!.fail(refused());
    expect(await settled(session)).toBe(false);
    (await backend.nth(2)).answer();
    expect((await session).remoteAddr.address).toBe('10.0.0.2');
  });

  it('without a delay goes on only when the one before has failed', async () => {
    const { backend, session } = race(null);
    const first = await backend.nth(0);
    expect(await settled(session)).toBe(false);
    expect(backend.dials.length).toBe(1);
    first.fail(refused());
    (await backend.nth(1)).fail(refused());
    (await backend.nth(2)).answer();
    expect((await session).remoteAddr.address).toBe('10.0.0.2');
  });

  it('gives the error of a single address as it is', async () => {
    const { backend, session } = race(250, [ADDRESSES[0]]);
    const error = refused();
    (await backend.nth(0)).fail(error);
    expect(await rejection(session)).toBe(error);
  });

  it("when all failed: the first address's error, and each of them in the cause", async () => {
    const { backend, session } = race(1);
    (await backend.nth(2)).fail(new PoolError('ERR_POOL_TIMEOUT', 'too late'));
    backend.dials[1]!.fail(new PoolError('ERR_POOL_NET_UNREACHABLE', 'no route'));
    backend.dials[0]!.fail(refused());
    const error = await rejection(session);
    expect(error).toMatchObject({ code: 'ECONNREFUSED', errno: -111 });
    expect(error.message).toBe('connection refused ([::1]:1; 2 other addresses failed too)');
    const cause = error.cause as AggregateError;
    expect(cause).toBeInstanceOf(AggregateError);
    expect((error as PoolError).errors).toEqual(cause.errors);
    expect(cause.message).toBe('[::1]:1: connection refused; 10.0.0.1:1: no route; 10.0.0.2:1: too late');
    expect(cause.errors.map(({ code }: PoolError) => code)).toEqual([
      'ECONNREFUSED',
      'ERR_POOL_NET_UNREACHABLE',
      'ERR_POOL_TIMEOUT',
    ]);
  });

  it('gives every try up when its signal fires, and leaves no listener on it', async () => {
    const { backend, stop, session } = race(1);
    await backend.nth(1);
    const reason = new Error('enough');
    stop.abort(reason);
    expect(await rejection(session)).toBe(reason);
    expect(backend.dials.map(({ signal }) => signal?.reason as unknown)).toEqual(backend.dials.map(() => reason));
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
  });

  it('lets one at a time open a session at its peer: the first that may, and the next when that has failed', async () => {
    const turns: string[] = [];
    const backend = new FakeBackend();
    const tries: { answered: () => Promise<void> }[] = [];
    const dial = (address: Addr, { signal, turn }: Try) => {
      tries.push({ answered: () => turn().then(() => void turns.push(address.address)) });
      return backend.dial(address, { signal });
    };
    const session = firstToAnswer(ADDRESSES, dial, { signal: new AbortController().signal, stagger: 1 });
    await backend.nth(2);
    await tries[1]!.answered();
    void tries[2]!.answered();
    void tries[0]!.answered();
    // It tries again, with other sequence numbers.
    await tries[1]!.answered();
    expect(turns).toEqual(['10.0.0.1', '10.0.0.1']);
    backend.dials[2]!.fail(refused());
    await settled(session);
    expect(turns).toHaveLength(2);
    backend.dials[1]!.fail(refused());
    await settled(session);
    expect(turns.slice(2)).toEqual(['::1']);
    backend.dials[0]!.answer();
    expect((await session).remoteAddr.address).toBe('::1');
  });

  it('dials nothing when its signal has fired before', async () => {
    const backend = new FakeBackend();
    const dial = (address: Addr) => backend.dial(address, {});
    await rejection(firstToAnswer(ADDRESSES, dial, { signal: AbortSignal.abort(), stagger: 1 }));
    expect(backend.dials).toEqual([]);
  });

  it('destroys a session that comes after another has won, or after all was given up', async () => {
    const lateAfter = async (end: (stop: AbortController, backend: FakeBackend) => void): Promise<string> => {
      const backend = new FakeBackend();
      const stop = new AbortController();
      // A backend that doesn't hear its signal, or has its session in the same turn.
      const deaf = (address: Addr) => backend.dial(address, {});
      const session = firstToAnswer(ADDRESSES, deaf, { signal: stop.signal, stagger: 1 });
      await backend.nth(1);
      end(stop, backend);
      await session.catch(() => {});
      return peerEnd(backend.dials[1]!.answer());
    };
    expect(await lateAfter((stop) => stop.abort())).toBe('ERR_POOL_PEER_LOST');
    expect(await lateAfter((_, backend) => backend.dials[0]!.answer())).toBe('ERR_POOL_PEER_LOST');
  });
});
