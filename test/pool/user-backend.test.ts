import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readdirSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { getEventListeners } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { PoolError } from '../../src/base/errors.js';
import { callSite } from '../../src/pool/call-site.js';
import type { Conn } from '../../src/pool/flow/conn.js';
import { connMaker } from '../../src/pool/flow/conn-events.js';
import { dialWith } from '../../src/pool/dial.js';
import { listenWith } from '../../src/pool/listen.js';
import type { Listener } from '../../src/pool/listener.js';
import type { DiagnosticsPayloads } from '../../src/pool/observe/diagnostics.js';
import type { DialOptions, ListenOptions } from '../../src/pool/options.js';
import type { AddressInput } from '../../src/pool/address/target.js';
import { createUserBackend } from '../../src/pool/user-backend.js';
import { createPoolNode } from '../../src/poolnode/index.js';
import { ipv6 } from '../require.js';
import { rejection } from './fake-backend.js';

const noIpv6 = ipv6();
const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** dial and listen on a node of their own. */
function api(maxSessions = 64) {
  const node = createPoolNode({ maxSessions });
  const backend = createUserBackend(node);
  const parts = { selectBackend: async () => backend, connMaker };
  return {
    node,
    dial: (address: AddressInput, options?: DialOptions) => dialWith(parts, callSite(api), address, options),
    listen: async (address: AddressInput = '127.0.0.1:0', options?: ListenOptions): Promise<Listener> => {
      const listener = await listenWith(parts, callSite(api), address, options);
      cleanups.push(() => listener.close({ connections: 'destroy' }));
      return listener;
    },
  };
}

/** A TCP server that is no POOL peer. */
async function tcpServer(
  onSocket: (socket: Socket) => void = () => {},
): Promise<{ port: number; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    // Unread input would hide the end of the connection.
    socket.resume();
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, sockets };
}

const text = (message: Uint8Array | null): string => Buffer.from(message ?? []).toString();

async function exchange(client: Conn, server: Conn): Promise<void> {
  await client.writeMessage('there');
  expect(text(await server.readMessage())).toBe('there');
  await server.writeMessage('and back');
  expect(text(await client.readMessage())).toBe('and back');
}

/** Waits until `done`, in turns of the event loop and not by the clock. */
async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 1));
}

it('leaves the last figures of a session with the event of its end', async () => {
  const { dial, listen } = api();
  const listener = await listen();
  const [server, client] = await Promise.all([listener.accept(), dial(listener.addr)]);
  const ends: DiagnosticsPayloads['pool.conn.close'][] = [];
  const see = (event: unknown): void => void ends.push(event as DiagnosticsPayloads['pool.conn.close']);
  subscribe('pool.conn.close', see);
  try {
    await exchange(client, server);
    await client.close();
    await server.closed;
    await until(() => ends.length === 2);
  } finally {
    unsubscribe('pool.conn.close', see);
  }
  const { id, sessionIndex: index } = client;
  const [ours, theirs] = (['client', 'server'] as const).map((of) => ends.find(({ role }) => role === of)?.info);
  expect(ours).toMatchObject({ sessionId: id, index });
  expect(theirs).toMatchObject({ sessionId: id, index: server.sessionIndex });
  // Bytes on the wire: more than the texts, and what one side counted the other did as well; but for the tag of the one
  // message that came, which counts where it is sent, as the module has it.
  expect(theirs!.bytesRecv).toBeGreaterThan(BigInt('there'.length));
  expect(ours!.bytesRecv + 16n).toBe(theirs!.bytesSent);
});

describe('a conversation over the user backend', () => {
  it.each([
    ['127.0.0.1:0', '127.0.0.1', 'IPv4', false],
    ['[::1]:0', '::1', 'IPv6', noIpv6.missing],
    [':0', '127.0.0.1', 'IPv4', false],
    [':0', '::1', 'IPv6', noIpv6.missing],
    [':0', 'localhost', null, false],
    [':0', '', null, false],
    ['localhost:0', 'localhost', null, false],
  ])('listening on %s, dialled at %j', async (address, host, family, skip) => {
    if (skip) return;
    const { dial, listen } = api();
    const listener = await listen(address);
    const [client, server] = await Promise.all([dial({ host, port: listener.addr.port }), listener.accept()]);
    await exchange(client, server);
    if (family !== null) expect([client.remoteFamily, server.remoteFamily]).toEqual([family, family]);
    expect([String(server.remoteAddr), server.id]).toEqual([String(client.localAddr), client.id]);
    expect([String(server.localAddr), client.backend]).toEqual([String(client.remoteAddr), 'user']);
    await client.close();
    expect(await server.closed).toEqual({ by: 'remote' });
  });

  it('takes the address of a listener as it is', async () => {
    const { dial, listen } = api();
    const listener = await listen(':0');
    const conn = await dial(listener.addr);
    const again = await dial(String(listener.addr));
    await Promise.all([conn.close(), again.close()]);
  });

  it.skipIf(noIpv6.missing)('pool4 and pool6 listen on their family only', async () => {
    const { dial, listen } = api();
    const four = await listen(':0', { network: 'pool4' });
    expect(four.addr.address).toBe('0.0.0.0');
    const six = await listen(`:${four.addr.port}`, { network: 'pool6' });
    expect(String(six.addr)).toBe(`[::]:${four.addr.port}`);
    const [a, b] = [
      await dial({ host: '127.0.0.1', port: four.addr.port }),
      await dial({ host: '::1', port: four.addr.port }),
    ];
    const conns = [await four.accept(), await six.accept()];
    expect(conns.map(({ remoteFamily }) => remoteFamily)).toEqual(['IPv4', 'IPv6']);
    await Promise.all([a.close(), b.close()]);
  });

  it('reports the session as the table has it', async () => {
    const { dial, listen } = api();
    const listener = await listen();
    const [client, server] = await Promise.all([dial(listener.addr), listener.accept()]);
    await exchange(client, server);
    const info = await client.info();
    expect(info).toMatchObject({ sessionId: client.id, index: client.sessionIndex, state: 'ESTABLISHED' });
    expect(String(info.peerAddr)).toBe(String(listener.addr));
    expect(info.bytesSent).toBeGreaterThan(5n);
    expect(await client.sessionState()).toBe('ESTABLISHED');
    const telemetry = await server.telemetry();
    expect(telemetry).toMatchObject({ mtuCurrent: 1400, rekeyCount: 0, lossPercent: 0, peer: null });
    expect(telemetry.uptimeNs).toBeGreaterThan(0n);
    await client.close();
  });

  it.each(['close', 'destroy'] as const)('has nothing to report of a session that ended by %s', async (end) => {
    const { dial, listen } = api();
    const listener = await listen();
    const [client, server] = await Promise.all([dial(listener.addr), listener.accept()]);
    await client[end]();
    await server.closed;
    for (const ask of [server.telemetry(), server.info(), server.sessionState()]) {
      await expect(ask).rejects.toMatchObject({ code: 'ERR_POOL_NOT_ESTABLISHED' });
    }
  });
});

describe('a dial that fails over the user backend', () => {
  it('nobody listens', async () => {
    const { port } = await tcpServer();
    await cleanups.pop()!();
    const { dial, node } = api();
    const error = await rejection(dial({ host: '127.0.0.1', port }));
    expect(error).toMatchObject({ code: 'ECONNREFUSED', errno: -111, syscall: 'connect', address: '127.0.0.1', port });
    expect(error.message).toBe(`dial pool 127.0.0.1:${port}: connection refused`);
    expect(node.sessions()).toEqual([]);
  });

  it('nobody listens at any address of a name', async () => {
    const { port } = await tcpServer();
    await cleanups.pop()!();
    const error = await rejection(api().dial({ host: '', port }));
    expect(error).toMatchObject({ code: 'ECONNREFUSED', syscall: 'connect' });
    // As on the error of net.connect.
    expect((error as PoolError).errors?.map((one) => (one as PoolError).code)).toEqual([
      'ECONNREFUSED',
      'ECONNREFUSED',
    ]);
    expect((error.cause as AggregateError).message).toMatch(new RegExp(`^127.0.0.1:${port}: .*; \\[::1\\]:${port}: `));
  });

  it('the own table is full: at once, the others undisturbed, and the slot is free again after a close', async () => {
    const { dial, listen } = api(4);
    const other = api();
    const listener = await other.listen();
    const conns = await Promise.all([0, 1, 2, 3].map(() => dial(listener.addr)));
    const accepted = await Promise.all(conns.map(() => listener.accept()));
    const error = await rejection(dial(listener.addr));
    expect(error).toMatchObject({ code: 'ERR_POOL_SESSION_FULL', syscall: 'connect' });
    await exchange(conns[0]!, accepted.find(({ id }) => id === conns[0]!.id)!);
    await conns[2]!.close();
    const next = await dial(listener.addr);
    expect(next.sessionIndex).toBe(2);
    await Promise.all([...conns, next].map((conn) => conn.close()));
    await (await listen()).close();
  });

  it("the peer's table is full: the dial says that it may be that", async () => {
    const small = api(1);
    const listener = await small.listen();
    const { dial } = api();
    const conn = await dial(listener.addr);
    const error = await rejection(dial(listener.addr));
    expect(error.code).toBe('ECONNRESET');
    expect(error.message).toContain('table may be full');
    await conn.close();
  });

  it('a silent peer: by timeout or signal, and nothing is left at either end', async () => {
    const { port, sockets } = await tcpServer();
    const { dial, node } = api();
    const late = await rejection(dial({ host: '127.0.0.1', port }, { timeout: 50 }));
    expect(late).toMatchObject({ code: 'ERR_POOL_TIMEOUT', timeout: true });
    expect(late.message).toBe(`dial pool 127.0.0.1:${port}: no session within 50 ms`);
    await until(() => sockets.size === 0);
    const stop = new AbortController();
    const dialling = dial({ host: '127.0.0.1', port }, { signal: stop.signal });
    await until(() => sockets.size === 1);
    stop.abort();
    expect((await rejection(dialling)).name).toBe('AbortError');
    await until(() => sockets.size === 0);
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
    expect(node.sessions()).toEqual([]);
  });

  it('a peer that answers in something else than POOL', async () => {
    const { port } = await tcpServer((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'.padEnd(200, ' ')));
    const error = await rejection(api().dial({ host: '127.0.0.1', port }));
    expect(error).toBeInstanceOf(PoolError);
    expect(error.code).toBe('ERR_POOL_PROTOCOL');
  });

  it('a listener that drops by blockList or maxConnections', async () => {
    const { dial, listen } = api();
    const listener = await listen('127.0.0.1:0', { maxConnections: 1 });
    const first = await dial(listener.addr);
    await listener.accept();
    expect((await rejection(dial(listener.addr))).code).toBe('ECONNRESET');
    await first.close();
  });

  it('a port that is taken', async () => {
    const { port } = await tcpServer();
    const error = await rejection(api().listen({ host: '127.0.0.1', port }));
    expect(error).toMatchObject({ code: 'EADDRINUSE', errno: -98, syscall: 'listen', address: '127.0.0.1', port });
    expect(error.message).toBe(`listen pool 127.0.0.1:${port}: address already in use`);
  });
});

const fds = (): number => {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
};

/** Timers of vitest's own come and go; sockets, servers and lookups are ours alone. */
const resources = (): string[] =>
  process.getActiveResourcesInfo().filter((name) => /TCP|Connect|GetAddrInfo/.test(name));

it('leaves no descriptor, socket or slot behind after dials good, refused, late and given up', async () => {
  const { dial, listen, node } = api();
  const silent = await tcpServer();
  const listener = await listen();
  const cycle = async (which: number): Promise<void> => {
    if (which % 4 === 0) {
      const [client, server] = await Promise.all([dial(listener.addr), listener.accept()]);
      await client.close();
      await server.closed;
    } else if (which % 4 === 1) {
      await rejection(dial('127.0.0.1:1', { timeout: 5000 }));
    } else if (which % 4 === 2) {
      await rejection(dial({ host: '127.0.0.1', port: silent.port }, { timeout: 2 }));
    } else {
      const stop = new AbortController();
      const dialling = dial(listener.addr, { signal: stop.signal });
      // At every point of the dial once: each turn is another await.
      for (let turn = which % 13; turn > 0; turn--) await new Promise((resolve) => setImmediate(resolve));
      stop.abort();
      const conn = await dialling.catch(() => null);
      conn?.destroy();
    }
  };
  for (let i = 0; i < 20; i++) await cycle(i);
  const settle = (): Promise<void> => until(() => node.sessions().length === 0 && silent.sockets.size === 0);
  // Those that were given up at the last moment are in the listener's backlog.
  const drain = async (): Promise<void> => {
    listener.setDeadline(Date.now() + 50);
    for (;;) {
      const conn = await listener.accept().catch(() => null);
      if (conn === null) break;
      conn.destroy();
    }
    listener.setDeadline(null);
    await settle();
  };
  await drain();
  const before = { fds: fds(), resources: resources().length };
  for (let i = 0; i < 200; i++) await cycle(i);
  await drain();
  await until(() => fds() <= before.fds && resources().length <= before.resources);
  expect(node.sessions()).toEqual([]);
}, 60_000);
