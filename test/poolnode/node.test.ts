import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createPoolNode } from '../../src/poolnode/node.js';
import { ipv6, requirement } from '../require.js';
import { bytes, codeOf, pair, Recorder, Server, turn, until } from './conversation.js';
import { randomBetween } from '../random.js';

const loopback6 = ipv6();

describe('a node', () => {
  it('dials and listens, and both ends see one session', async () => {
    const { client, server } = await pair();
    expect(Buffer.from(client.id).equals(server.id)).toBe(true);
    expect(client.id.length).toBe(16);
    expect([client.role, server.role]).toEqual(['client', 'server']);
    expect([client.state, server.state]).toEqual(['ESTABLISHED', 'ESTABLISHED']);
    expect(client.local).toEqual(server.remote);
    expect(client.remote).toEqual(server.local);
    expect(client.remote).toMatchObject({ address: '127.0.0.1', family: 'IPv4' });
    expect(client.maxMessageSize).toBe(65535);
  });

  it('carries messages both ways, each whole, in order, on its channel', async () => {
    const { client, server, atClient, atServer } = await pair();
    client.send(0, bytes('to the server'));
    client.send(5, bytes('on five'));
    server.send(255, bytes('to the client'));
    await Promise.all([atServer.received(2), atClient.received(1)]);
    expect(atServer.texts).toEqual(['to the server', 'on five']);
    expect(atServer.messages.map(({ channel }) => channel)).toEqual([0, 5]);
    expect(atClient.messages).toEqual([{ channel: 255, data: bytes('to the client') }]);
  });

  it.each([1, 65518, 65519, 65520, 65535])('carries messages of %d bytes', async (size) => {
    const { client, server, atClient, atServer } = await pair();
    const data = Buffer.alloc(size, 'abcdefg');
    client.send(0, data);
    server.send(0, data);
    data.fill(0);
    await Promise.all([atServer.received(1), atClient.received(1)]);
    const expected = Buffer.alloc(size, 'abcdefg');
    for (const { messages } of [atServer, atClient]) expect(expected.equals(messages[0]!.data)).toBe(true);
  });

  it('carries much both ways at once, with nothing lost, doubled or out of order', async () => {
    const { client, server, atClient, atServer } = await pair();
    const count = 400;
    const flood = (from: typeof client, recorder: Recorder): ReturnType<typeof createHash> => {
      const hash = createHash('sha256');
      let left = count;
      const go = (): void => {
        while (left > 0) {
          left--;
          const data = Buffer.alloc(randomBetween(1, 65536), left & 255);
          hash.update(data);
          if (!from.send(left % 8, data)) return;
        }
      };
      recorder.onDrain = go;
      go();
      return hash;
    };
    const hashes = [flood(client, atClient), flood(server, atServer)];
    await Promise.all([atServer.received(count), atClient.received(count)]);
    const digest = ({ messages }: Recorder): string => {
      const hash = createHash('sha256');
      for (const { data } of messages) hash.update(data);
      return hash.digest('hex');
    };
    expect(digest(atServer)).toBe(hashes[0]!.digest('hex'));
    expect(digest(atClient)).toBe(hashes[1]!.digest('hex'));
  });

  it.skipIf(loopback6.missing)('speaks IPv6', async () => {
    const server = await Server.listen({ host: '::1' });
    const session = await server.node.dial({ host: '::1', port: server.port });
    expect(session.remote).toEqual({ address: '::1', family: 'IPv6', port: server.port });
    session.destroy();
  });

  it.skipIf(loopback6.missing)('listens on both families without a host, and shows IPv4 peers as such', async () => {
    const server = await Server.listen({ host: '' });
    const session = await server.node.dial({ host: '127.0.0.1', port: server.port });
    const accepted = await server.accepted();
    expect(accepted.remote).toEqual({ address: '127.0.0.1', family: 'IPv4', port: session.local.port });
    session.destroy();
  });

  it('counts what a session did', async () => {
    const { client, server, atServer } = await pair();
    const before = client.info();
    client.send(0, new Uint8Array(1000));
    await atServer.received(1);
    const info = client.info();
    expect(info.packetsSent - before.packetsSent).toBe(1n);
    expect(info.bytesSent - before.bytesSent).toBe(1096n);
    expect(info).toMatchObject({ index: 0, role: 'client', state: 'ESTABLISHED', emptyMessages: 0 });
    expect(server.info().packetsReceived).toBeGreaterThanOrEqual(2n);
    expect(server.telemetry().uptimeNs).toBeGreaterThan(0n);
    server.setQueueDepth(3);
    expect(server.telemetry().queueDepth).toBe(3);
    expect(server.info().telemetry.queueDepth).toBe(3);
  });

  it('keeps the channels that a session subscribed to', async () => {
    const { client } = await pair();
    client.subscribe(9);
    expect(client.channels()[1]).toBe(2);
    client.unsubscribe(9);
    expect(client.channels()).toEqual(new Uint8Array(32));
  });

  it('shows its sessions in slot order', async () => {
    const server = await Server.listen();
    const node = createPoolNode();
    const dial = () => node.dial({ host: '127.0.0.1', port: server.port });
    const sessions = [await dial(), await dial(), await dial()];
    expect(sessions.map(({ index }) => index)).toEqual([0, 1, 2]);
    sessions[1]!.destroy();
    expect(node.sessions()).toEqual([sessions[0], sessions[2]]);
    const again = await dial();
    expect(again.index).toBe(1);
    expect(node.session(1)).toBe(again);
    for (const session of node.sessions()) session.destroy();
    expect(node.sessions()).toEqual([]);
  });

  it('refuses a dial at once when its table is full, and takes one when a slot is free', async () => {
    const server = await Server.listen();
    const node = createPoolNode({ maxSessions: 2 });
    let connections = 0;
    const full = createPoolNode(
      { maxSessions: 1 },
      {
        connect: () => {
          connections++;
          throw new Error('no socket is due');
        },
      },
    );
    const dial = () => node.dial({ host: '127.0.0.1', port: server.port });
    const [first, second, third] = await Promise.allSettled([dial(), dial(), dial()]);
    expect([first.status, second.status]).toEqual(['fulfilled', 'fulfilled']);
    expect(third).toMatchObject({ status: 'rejected', reason: { code: 'ERR_POOL_SESSION_FULL' } });
    node.session(0)!.destroy();
    const again = await dial();
    expect(again.index).toBe(0);
    await expect(full.dial({ host: '127.0.0.1', port: 1 })).rejects.toThrow('no socket');
    await expect(full.dial({ host: '127.0.0.1', port: 1 })).rejects.toThrow('no socket');
    expect(connections).toBe(2);
    for (const session of node.sessions()) session.destroy();
  });

  it('keeps ended sessions on request until they are released', async () => {
    const server = await Server.listen();
    const node = createPoolNode({ maxSessions: 1, retainEnded: true });
    const session = await node.dial({ host: '127.0.0.1', port: server.port });
    await session.close();
    expect(node.sessions()).toEqual([session]);
    expect(session.state).toBe('CLOSING');
    expect(await codeOf(node.dial({ host: '127.0.0.1', port: server.port }))).toBe('ERR_POOL_SESSION_FULL');
    session.release();
    expect(node.sessions()).toEqual([]);
  });

  it('gives a slot that was released early back when the session ends', async () => {
    const server = await Server.listen();
    const node = createPoolNode({ retainEnded: true });
    const session = await node.dial({ host: '127.0.0.1', port: server.port });
    session.release();
    expect(node.sessions()).toEqual([session]);
    session.destroy();
    expect(node.sessions()).toEqual([]);
  });

  it.each([0, -1, 1.5, 2 ** 21])('refuses a table of %d slots', (maxSessions) => {
    expect(() => createPoolNode({ maxSessions })).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }));
  });
});

describe('dial and close, again and again', () => {
  const descriptors = (): number => readdirSync('/proc/self/fd').length;
  const proc = requirement('procfs', () => (existsSync('/proc/self/fd') ? null : 'there is no /proc/self/fd'));

  it.skipIf(proc.missing)('leaves no descriptor and no slot behind, however it ends', async () => {
    const server = await Server.listen({ session: (session) => session.start(new Recorder()) });
    const node = createPoolNode({ maxSessions: 4 });
    const dial = (signal?: AbortSignal) =>
      node.dial({ host: '127.0.0.1', port: server.port, ...(signal === undefined ? {} : { signal }) });
    await (await dial()).close();
    await until(() => server.node.sessions().length === 0);
    const before = descriptors();
    for (let i = 0; i < 40; i++) {
      await (await dial()).close();
      (await dial()).destroy();
      const controller = new AbortController();
      const aborted = dial(controller.signal);
      for (let turns = i % 8; turns > 0; turns--) await turn();
      controller.abort();
      await aborted.then(
        (session) => session.destroy(),
        () => {},
      );
    }
    await until(() => server.node.sessions().length === 0 && descriptors() <= before);
    expect(node.sessions()).toEqual([]);
  });
});
