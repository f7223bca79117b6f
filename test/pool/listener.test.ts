import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { getEventListeners } from 'node:events';
import { BlockList } from 'node:net';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../src/base/errors.js';
import { callSite } from '../../src/pool/call-site.js';
import type { Conn } from '../../src/pool/flow/conn.js';
import { connMaker } from '../../src/pool/flow/conn-events.js';
import { listenWith } from '../../src/pool/listen.js';
import type { Listener } from '../../src/pool/listener.js';
import type { ListenOptions } from '../../src/pool/options.js';
import type { MemorySession } from '../../src/testing/memory-session.js';
import { FakeBackend, rejection, settled } from './fake-backend.js';

async function start(options?: ListenOptions): Promise<{ backend: FakeBackend; listener: Listener }> {
  const backend = new FakeBackend();
  const parts = { selectBackend: async () => backend, connMaker };
  return { backend, listener: await listenWith(parts, callSite(start), '127.0.0.1:9253', options) };
}

const portOf = ({ remotePort }: Conn): number => remotePort;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** How a session ended, as its peer sees it. */
function endOf(peer: MemorySession | string): Promise<string> {
  return new Promise((resolve) => {
    if (typeof peer === 'string') return resolve(peer);
    peer.start({ message: () => true, drain: () => {}, end: ({ by, error }) => resolve(error?.code ?? by) });
  });
}

/** What pool.listener.drop carries while `run` runs. */
async function drops(run: () => Promise<void>): Promise<{ reason: string; remoteAddr: unknown; localAddr: unknown }[]> {
  const seen: { reason: string; remoteAddr: unknown; localAddr: unknown }[] = [];
  const see = (message: unknown): void => void seen.push(message as (typeof seen)[0]);
  subscribe('pool.listener.drop', see);
  try {
    await run();
  } finally {
    unsubscribe('pool.listener.drop', see);
  }
  return seen;
}

describe('accept', () => {
  it('gives sessions in the order in which they came', async () => {
    const { backend, listener } = await start();
    for (const port of [1, 2, 3]) backend.peer('127.0.0.1', port);
    const conns = await Promise.all([listener.accept(), listener.accept(), listener.accept()]);
    expect(conns.map(portOf)).toEqual([1, 2, 3]);
    expect(conns[0]?.backend).toBe('user');
    expect(conns[0]?.server).toBe(listener);
  });

  it('serves those who wait in the order of their calls', async () => {
    const { backend, listener } = await start();
    const order: number[] = [];
    const waiting = [0, 1, 2].map((which) => listener.accept().then((conn) => order.push(which * 10 + portOf(conn))));
    for (const port of [1, 2, 3]) backend.peer('127.0.0.1', port);
    await Promise.all(waiting);
    expect(order).toEqual([1, 12, 23]);
  });

  it('starts a session one turn after it is accepted, and not while it waits', async () => {
    const { backend, listener } = await start();
    const peer = backend.peer() as MemorySession;
    peer.send(5, Buffer.from('five'), () => {});
    await turn();
    const conn = await listener.accept();
    const channel = await conn.openChannel(5);
    expect((await channel.readMessage())?.length).toBe(4);
  });

  it('passes over a session that has died of a failed dial, and tells of it', async () => {
    const { backend, listener } = await start();
    const ghost = backend.peer('127.0.0.1', 1, (session) => {
      Object.assign(session, { stillborn: () => true });
    });
    backend.peer('127.0.0.1', 2);
    const seen = await drops(async () => expect(portOf(await listener.accept())).toBe(2));
    expect(seen.map(({ reason, remoteAddr }) => `${reason} ${String(remoteAddr)}`)).toEqual(['gone 127.0.0.1:1']);
    expect(await endOf(ghost)).toBe('ERR_POOL_PEER_LOST');
  });

  it('gives a session whose peer went away meanwhile, with what it had sent', async () => {
    const { backend, listener } = await start();
    const peer = backend.peer() as MemorySession;
    peer.send(0, Buffer.from('last words'), () => {});
    void peer.close({ timeout: 1000 });
    await turn();
    const conn = await listener.accept();
    expect(Buffer.from((await conn.readMessage())!).toString()).toBe('last words');
    expect(await conn.readMessage()).toBe(null);
  });

  it('rejects with the reason of its signal, out of the line, and leaves no listener on it', async () => {
    const { backend, listener } = await start();
    const stop = new AbortController();
    const reason = new PoolError('ERR_POOL_CLOSED', 'mine');
    const [first, second] = [listener.accept({ signal: stop.signal }), listener.accept()];
    expect(await settled(first)).toBe(false);
    stop.abort(reason);
    expect(await rejection(first)).toBe(reason);
    backend.peer('127.0.0.1', 7);
    expect(portOf(await second)).toBe(7);
    const third = listener.accept({ signal: new AbortController().signal });
    backend.peer();
    await third;
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
    // One that fired before takes nothing from the backlog.
    backend.peer('127.0.0.1', 8);
    expect(await rejection(listener.accept({ signal: stop.signal }))).toBe(reason);
    expect(portOf(await listener.accept())).toBe(8);
  });

  it('hands out each session once and in order, whatever accepts are given up meanwhile', async () => {
    const seed = Date.now() & 0x7fffffff;
    console.log(`seed ${seed}`);
    let state = seed;
    const random = (below: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      return (state >> 8) % below;
    };
    const { backend, listener } = await start({ backlog: 1e6 });
    const stops: AbortController[] = [];
    const got: number[] = [];
    const pending: Promise<unknown>[] = [];
    let came = 0;
    for (let i = 0; i < 3000; i++) {
      switch (random(4)) {
        case 0:
          backend.peer('127.0.0.1', ++came);
          break;
        case 1:
          stops[random(stops.length + 1)]?.abort();
          break;
        case 2:
          await turn();
          break;
        default: {
          const stop = new AbortController();
          stops.push(stop);
          pending.push(
            listener.accept({ signal: stop.signal }).then(
              (conn) => got.push(portOf(conn)),
              () => {},
            ),
          );
        }
      }
    }
    for (const stop of stops) stop.abort();
    await Promise.all(pending);
    while (got.length < came) got.push(portOf(await listener.accept()));
    expect(got).toEqual(Array.from({ length: came }, (_, i) => i + 1));
    expect(stops.flatMap(({ signal }) => getEventListeners(signal, 'abort'))).toEqual([]);
  });

  it.each([
    [{ signal: 1 }, 'ERR_INVALID_ARG_TYPE'],
    ['signal', 'ERR_INVALID_ARG_TYPE'],
  ])('rejects bad options %o', async (options, code) => {
    const { listener } = await start();
    expect(await rejection(listener.accept(options as object))).toMatchObject({ code });
  });

  it('rejects past its deadline, which may be moved and cleared and spoils nothing', async () => {
    const { backend, listener } = await start();
    const waiting = listener.accept();
    listener.setDeadline(Date.now() + 20);
    const error = await rejection(waiting);
    expect(error).toMatchObject({ code: 'ERR_POOL_TIMEOUT', timeout: true, syscall: 'accept', port: 9253 });
    expect(error.message).toBe('accept pool 127.0.0.1:9253: deadline exceeded');
    expect(error.stack?.split('\n')[1]).toContain('listener.test.ts');
    // As in Go a deadline that passed counts also for what could be had at once.
    backend.peer('127.0.0.1', 3);
    expect((await rejection(listener.accept())).code).toBe('ERR_POOL_TIMEOUT');
    listener.setDeadline(null);
    expect(portOf(await listener.accept())).toBe(3);
    listener.setDeadline(8.64e15);
    expect(await settled(listener.accept())).toBe(false);
  });

  it('refuses what is no point in time', async () => {
    const { listener } = await start();
    expect(() => listener.setDeadline('soon' as unknown as number)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
  });
});

describe('what is dropped', () => {
  it('the newest, when the backlog is full', async () => {
    const { backend, listener } = await start({ backlog: 2 });
    const seen = await drops(async () => {
      for (const port of [1, 2]) backend.peer('127.0.0.1', port);
      expect(await endOf(backend.peer('127.0.0.1', 3))).toBe('ERR_POOL_PEER_LOST');
    });
    expect(seen.map(({ reason, remoteAddr, localAddr }) => [reason, String(remoteAddr), String(localAddr)])).toEqual([
      ['backlog', '127.0.0.1:3', '127.0.0.1:9253'],
    ]);
    expect([portOf(await listener.accept()), portOf(await listener.accept())]).toEqual([1, 2]);
    expect(await settled(listener.accept())).toBe(false);
  });

  it('peers on the blockList, before they have sent a byte', async () => {
    const blockList = new BlockList();
    blockList.addSubnet('10.0.0.0', 8);
    blockList.addAddress('fe80::1', 'ipv6');
    const { backend } = await start({ blockList });
    const seen = await drops(async () => {
      expect(backend.peer('10.1.2.3')).toBe('blocked');
      expect(backend.peer('::ffff:10.1.2.3')).toBe('blocked');
      expect(backend.peer('fe80::1%lo')).toBe('blocked');
      expect(typeof backend.peer('11.1.2.3')).toBe('object');
    });
    expect(seen.map(({ reason }) => reason)).toEqual(['blocked', 'blocked', 'blocked']);
  });

  it('what goes beyond maxConnections, open and waiting ones together, until one of them ends', async () => {
    const { backend, listener } = await start({ maxConnections: 2 });
    backend.peer();
    const conn = await listener.accept();
    backend.peer();
    expect(backend.peer()).toBe('max-connections');
    const ended = conn.closed;
    conn.destroy();
    await ended;
    expect(typeof backend.peer()).toBe('object');
    expect(backend.peer()).toBe('max-connections');
  });

  it('a session that was admitted while there was room, when there is none any more', async () => {
    const { backend, listener } = await start({ maxConnections: 1 });
    const seen = await drops(async () => {
      backend.peer();
      backend.listening!.admit = () => null;
      expect(await endOf(backend.peer())).toBe('ERR_POOL_PEER_LOST');
    });
    expect(seen.map(({ reason }) => reason)).toEqual(['max-connections']);
    await listener.close();
  });
});

describe('close', () => {
  it('ends what waits: accepts reject, sessions that nobody accepted are destroyed', async () => {
    const { backend, listener } = await start();
    const waiting = [listener.accept(), listener.accept()];
    const closing = listener.close();
    for (const error of await Promise.all(waiting.map(rejection))) {
      expect(error.code).toBe('ERR_POOL_CLOSED');
      expect(error.stack?.split('\n')[1]).toContain('listener.test.ts');
    }
    await closing;
    expect(backend.listenerClosed).toBe(true);
    expect(await listener.closed).toEqual({ by: 'local' });
    expect((await rejection(listener.accept())).code).toBe('ERR_POOL_CLOSED');
    const other = await start();
    const peer = other.backend.peer();
    await other.listener.close();
    expect(await endOf(peer)).toBe('ERR_POOL_PEER_LOST');
    expect(await endOf(backend.peer())).toBe('ERR_POOL_PEER_LOST');
  });

  it.each([
    [undefined, 'open', null],
    ['keep', 'open', null],
    ['close', 'closed', 'remote'],
    ['destroy', 'closed', 'ERR_POOL_PEER_LOST'],
  ] as const)('with connections: %s accepted ones are %s afterwards', async (connections, state, end) => {
    const { backend, listener } = await start();
    const peer = backend.peer();
    const conn = await listener.accept();
    const ended = endOf(peer);
    await turn();
    await listener.close({ connections });
    expect(conn.state).toBe(state);
    if (end !== null) expect(await ended).toBe(end);
    conn.destroy();
  });

  it('is idempotent, and a later one may still say what becomes of the connections', async () => {
    const { backend, listener } = await start();
    backend.peer();
    const conn = await listener.accept();
    await Promise.all([listener.close(), listener.close()]);
    expect(conn.state).toBe('open');
    await listener.close({ connections: 'destroy' });
    expect(conn.state).toBe('closed');
  });

  it('its signal ends the waiting and not the closing', async () => {
    const { backend, listener } = await start();
    const reason = new Error('enough');
    expect(await rejection(listener.close({ signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(await listener.closed).toEqual({ by: 'local' });
    expect(backend.listenerClosed).toBe(true);
  });

  it('refuses what it does not know', async () => {
    const { backend, listener } = await start();
    expect((await rejection(listener.close({ connections: 'drop' as 'keep' }))).code).toBe('ERR_INVALID_ARG_VALUE');
    expect(backend.listenerClosed).toBe(false);
  });

  it('happens at the end of an `await using` block', async () => {
    const { backend, listener } = await start();
    await listener[Symbol.asyncDispose]();
    expect(backend.listenerClosed).toBe(true);
  });

  it('leaves the address readable, and address() null as on net.Server', async () => {
    const { listener } = await start();
    expect(listener.address()).toEqual({ address: '127.0.0.1', family: 'IPv4', port: 9253 });
    await listener.close();
    expect(String(listener.addr)).toBe('127.0.0.1:9253');
    expect(listener.address()).toBe(null);
  });
});

describe('a listener that fails by itself', () => {
  it('gives what it had, then the error', async () => {
    const { backend, listener } = await start();
    backend.peer('127.0.0.1', 4);
    const failure = new PoolError('ENODEV', 'the device is gone', { errno: 19 });
    backend.listening!.failed(failure);
    expect(portOf(await listener.accept())).toBe(4);
    const error = await rejection(listener.accept());
    expect(error).toMatchObject({
      code: 'ENODEV',
      errno: -19,
      message: 'accept pool 127.0.0.1:9253: the device is gone',
    });
    expect(await listener.closed).toEqual({ by: 'error', error: failure });
    await listener.close();
    expect((await rejection(listener.accept())).code).toBe('ERR_POOL_CLOSED');
  });

  it('rejects those who wait, and ends an iteration with the error', async () => {
    const { backend, listener } = await start();
    const waiting = listener.accept();
    const iterating = listener[Symbol.asyncIterator]().next();
    backend.listening!.failed(new PoolError('ENODEV', 'gone'));
    expect((await rejection(waiting)).code).toBe('ENODEV');
    expect((await rejection(iterating)).code).toBe('ENODEV');
  });
});

describe('iteration', () => {
  it('ends cleanly when the listener is closed', async () => {
    const { backend, listener } = await start();
    for (const port of [1, 2]) backend.peer('127.0.0.1', port);
    const seen: number[] = [];
    for await (const conn of listener) {
      seen.push(portOf(conn));
      if (seen.length === 2) setImmediate(() => void listener.close());
    }
    expect(seen).toEqual([1, 2]);
    for await (const conn of listener) expect.unreachable(conn.id);
  });

  it('does not close the listener when it is left', async () => {
    const { backend, listener } = await start();
    for (const port of [1, 2]) backend.peer('127.0.0.1', port);
    for await (const conn of listener) {
      expect(portOf(conn)).toBe(1);
      break;
    }
    expect(portOf(await listener.accept())).toBe(2);
  });

  it('takes no session any more once it is left, also by a next that is pending', async () => {
    const { backend, listener } = await start();
    const iterator = listener[Symbol.asyncIterator]();
    const pending = [iterator.next(), iterator.next()];
    expect(await iterator.return!()).toEqual({ done: true, value: undefined });
    expect(await Promise.all(pending)).toEqual(Array(2).fill({ done: true, value: undefined }));
    const accepting = listener.accept();
    backend.peer('127.0.0.1', 1);
    expect(portOf(await accepting)).toBe(1);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });
});

it('ref and unref are the backend listener, and chain', async () => {
  const { backend, listener } = await start();
  expect(listener.unref()).toBe(listener);
  expect(backend.refed).toBe(false);
  expect(listener.ref()).toBe(listener);
  expect(backend.refed).toBe(true);
});

it('inspect is one line', async () => {
  const { backend, listener } = await start();
  backend.peer();
  backend.peer();
  const conn = await listener.accept();
  expect(inspect(listener)).toBe('Listener { 127.0.0.1:9253, open, 1 waiting, 1 connected }');
  conn.destroy();
  await listener.close();
  expect(inspect(listener)).toBe('Listener { 127.0.0.1:9253, closed, 0 waiting, 0 connected }');
});
