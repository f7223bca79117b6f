import { getEventListeners, once } from 'node:events';
import * as net from 'node:net';
import { describe, expect, it } from 'vitest';
import { createPoolNode } from '../../src/poolnode/node.js';
import { createClientHandshake, createServerHandshake } from '../../src/poolnode/protocol/index.js';
import { OwnSequence, PeerSequence } from '../../src/poolnode/protocol/sequence.js';
import type { Handshake, ProtocolConfig } from '../../src/poolnode/protocol/types.js';
import { nodeCrypto } from '../../src/poolnode/crypto/node-crypto.js';
import { bytes, codeOf, rawServer, Recorder, Server, turn, until } from './conversation.js';

const HOST = '127.0.0.1';

/** A port of loopback where nobody listens. */
async function closedPort(): Promise<number> {
  const server = net.createServer().listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A server's handshake by hand, over a raw socket: what a test wants to leave out of it, it does not call. */
function serverHandshake(difficulty = 8): Handshake {
  return createServerHandshake({
    crypto: nodeCrypto(),
    initialSequence: 2n ** 62n,
    timestampOffset: 0n,
    difficulty,
  });
}

/** Reads INIT and answers it. */
async function challenge(socket: net.Socket, difficulty?: number): Promise<Handshake> {
  const handshake = serverHandshake(difficulty);
  const [init] = (await once(socket, 'data')) as [Buffer];
  handshake.receive(init);
  handshake.advance(process.hrtime.bigint());
  for (const piece of handshake.takeOutput()) socket.write(piece);
  return handshake;
}

describe('dial', () => {
  it.each([
    [{ port: 0 }, 'ERR_OUT_OF_RANGE'],
    [{ port: 65536 }, 'ERR_OUT_OF_RANGE'],
    [{ port: '80' as unknown as number }, 'ERR_INVALID_ARG_TYPE'],
    [{ host: 5 as unknown as string }, 'ERR_INVALID_ARG_TYPE'],
    [{ connectTimeout: 0 }, 'ERR_OUT_OF_RANGE'],
    [{ challengeTimeout: -1 }, 'ERR_OUT_OF_RANGE'],
    [{ completionTimeout: '1' as unknown as number }, 'ERR_INVALID_ARG_TYPE'],
  ])('refuses %o before any I/O', async (wrong, code) => {
    let connections = 0;
    const connect = (where: net.TcpNetConnectOpts): net.Socket => {
      connections++;
      return net.connect(where);
    };
    const node = createPoolNode({}, { connect });
    expect(await codeOf(node.dial({ host: HOST, port: 9, ...wrong }))).toBe(code);
    expect(connections).toBe(0);
  });

  it('says ECONNREFUSED where nobody listens, with errno and reason', async () => {
    const node = createPoolNode();
    const dialled = node.dial({ host: HOST, port: await closedPort() });
    await expect(dialled).rejects.toMatchObject({ code: 'ECONNREFUSED', syscall: 'connect' });
    await expect(dialled).rejects.toThrow(/^connection refused$/);
    expect(node.sessions()).toEqual([]);
  });

  it.each(['ENETUNREACH', 'EHOSTUNREACH'])('says ERR_POOL_NET_UNREACHABLE for %s', async (code) => {
    const connect = (): net.Socket => {
      const socket = new net.Socket();
      setImmediate(() => socket.destroy(Object.assign(new Error(code), { code, errno: -101, syscall: 'connect' })));
      return socket;
    };
    const node = createPoolNode({}, { connect });
    const dialled = node.dial({ host: HOST, port: 9 });
    await expect(dialled).rejects.toMatchObject({ code: 'ERR_POOL_NET_UNREACHABLE', cause: { code } });
  });

  it('gives up on a TCP connection that does not come', async () => {
    const sockets: net.Socket[] = [];
    const connect = (): net.Socket => sockets[sockets.push(new net.Socket()) - 1]!;
    const node = createPoolNode({}, { connect });
    const dialled = node.dial({ host: HOST, port: 9, connectTimeout: 20 });
    await expect(dialled).rejects.toMatchObject({ code: 'ERR_POOL_TIMEOUT', timeout: true });
    await expect(dialled).rejects.toThrow('no TCP connection within 20 ms');
    expect(sockets[0]!.destroyed).toBe(true);
  });

  it('gives a TCP connection 10 s where it is told nothing else', async () => {
    const dialled = createPoolNode({}, { connect: () => new net.Socket() }).dial({ host: HOST, port: 9 });
    await expect(dialled).rejects.toThrow('no TCP connection within 10000 ms');
  });

  it('gives up on a peer that does not answer INIT', async () => {
    const port = await rawServer(() => {});
    const dialled = createPoolNode().dial({ host: HOST, port, challengeTimeout: 30 });
    await expect(dialled).rejects.toMatchObject({ code: 'ERR_POOL_TIMEOUT' });
    await expect(dialled).rejects.toThrow('no answer to INIT within 30 ms');
  });

  it('gives up on a peer that drips, all the same', async () => {
    const port = await rawServer((socket) => {
      const drip = setInterval(() => socket.write(Buffer.of(0x11)), 5);
      socket.on('close', () => clearInterval(drip));
    });
    const dialled = createPoolNode().dial({ host: HOST, port, challengeTimeout: 60 });
    await expect(dialled).rejects.toMatchObject({ code: 'ERR_POOL_TIMEOUT' });
  });

  it('gives up on a peer that does not complete', async () => {
    const port = await rawServer((socket) => void challenge(socket));
    const dialled = createPoolNode().dial({ host: HOST, port, completionTimeout: 30 });
    await expect(dialled).rejects.toThrow('no completion of the handshake within 30 ms');
  });

  it.each([
    ['at once', (socket: net.Socket) => void socket.end()],
    ['with a reset', (socket: net.Socket) => void socket.resetAndDestroy()],
    ['after INIT', (socket: net.Socket) => void socket.once('data', () => socket.destroy())],
    ['after CHALLENGE', (socket: net.Socket) => void challenge(socket).then(() => socket.end())],
  ])('says ECONNRESET, and why that may be, of a peer that hangs up %s', async (_when, hangUp) => {
    const port = await rawServer(hangUp);
    const dialled = createPoolNode().dial({ host: HOST, port });
    await expect(dialled).rejects.toMatchObject({ code: 'ECONNRESET' });
    await expect(dialled).rejects.toThrow(/table may be full/);
  });

  it.each([
    ['another protocol', Buffer.from('HTTP/1.1 400 Bad Request\r\n'.repeat(20))],
    ['zeros', Buffer.alloc(2000)],
    ['a packet that is none', Buffer.alloc(200, 0xff)],
  ])('says ERR_POOL_PROTOCOL of a peer that speaks %s', async (_what, answer) => {
    const port = await rawServer((socket) => void socket.once('data', () => socket.write(answer)));
    const node = createPoolNode();
    expect(await codeOf(node.dial({ host: HOST, port }))).toBe('ERR_POOL_PROTOCOL');
    expect(node.sessions()).toEqual([]);
  });

  it('says ERR_POOL_AUTH_FAILED of a completion that is forged', async () => {
    const port = await rawServer(async (socket) => {
      const handshake = await challenge(socket);
      const [response] = (await once(socket, 'data')) as [Buffer];
      handshake.receive(response);
      handshake.advance(process.hrtime.bigint());
      const ack = Buffer.concat(handshake.takeOutput());
      ack[79] = ack[79]! ^ 1;
      socket.write(ack);
    });
    expect(await codeOf(createPoolNode().dial({ host: HOST, port }))).toBe('ERR_POOL_AUTH_FAILED');
  });

  it('solves a harder puzzle, and lets the event loop turn meanwhile', async () => {
    let turns = 0;
    let solving = true;
    const port = await rawServer(async (socket) => {
      const handshake = await challenge(socket, 14);
      const count = (): void => void (solving && (turns++, setImmediate(count)));
      count();
      const [response] = (await once(socket, 'data')) as [Buffer];
      solving = false;
      handshake.receive(response);
      handshake.advance(process.hrtime.bigint());
      for (const piece of handshake.takeOutput()) socket.write(piece);
    });
    const session = await createPoolNode().dial({ host: HOST, port });
    expect(session.state).toBe('ESTABLISHED');
    expect(turns).toBeGreaterThan(0);
    session.destroy();
  });

  it.each([
    [1, 2, 'a session'],
    [9, 3, 'ERR_POOL_PROTOCOL'],
  ])(
    'dials again when the numbers of both sides came too near: %d times, %d tries, %s',
    async (near, tries, outcome) => {
      const server = await Server.listen();
      const draws: bigint[] = [];
      const createClient = (config: ProtocolConfig): Handshake => {
        const handshake = createClientHandshake(config);
        if (draws.push(config.initialSequence) > near) return handshake;
        const advance = handshake.advance.bind(handshake);
        // The peer's first packet is about to tell its base: let it be ours.
        handshake.advance = (now) => {
          const session = advance(now);
          return session === null ? null : (new PeerSequence(new OwnSequence(5n), 5n), session);
        };
        return handshake;
      };
      const node = createPoolNode({}, { protocol: { createClientHandshake: createClient, createServerHandshake } });
      const result = await node.dial({ host: HOST, port: server.port }).then(
        (session) => (session.destroy(), 'a session'),
        (error: { code: string }) => error.code,
      );
      expect(result).toBe(outcome);
      expect(new Set(draws).size).toBe(tries);
      expect(node.sessions()).toEqual([]);
    },
  );
});

describe('an abort', () => {
  const reason = new Error('changed my mind');

  async function aborted(dial: (signal: AbortSignal) => Promise<unknown>, when: () => Promise<void>): Promise<void> {
    const controller = new AbortController();
    const outcome = dial(controller.signal).then(
      () => 'dialled',
      (error: unknown) => error,
    );
    await when();
    controller.abort(reason);
    expect(await outcome).toBe(reason);
    expect(getEventListeners(controller.signal, 'abort').length).toBe(0);
  }

  it('before the dial makes no connection', async () => {
    let connections = 0;
    const connect = (where: net.TcpNetConnectOpts): net.Socket => (connections++, net.connect(where));
    const node = createPoolNode({}, { connect });
    await expect(node.dial({ host: HOST, port: 9, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(connections).toBe(0);
  });

  it('while TCP connects destroys the socket and keeps no slot', async () => {
    const socket = new net.Socket();
    const node = createPoolNode({ maxSessions: 1 }, { connect: () => socket });
    await aborted((signal) => node.dial({ host: HOST, port: 9, signal }), turn);
    expect(socket.destroyed).toBe(true);
    const server = await Server.listen({}, node);
    expect(server.drops).toEqual([]);
    const session = await createPoolNode().dial({ host: HOST, port: server.port });
    expect(node.sessions().length).toBe(1);
    session.destroy();
  });

  it('while CHALLENGE is awaited ends the connection', async () => {
    let ended!: Promise<unknown>;
    let came = false;
    const port = await rawServer((socket) => {
      ended = once(socket, 'end');
      socket.once('data', () => (came = true));
    });
    const node = createPoolNode();
    await aborted(
      (signal) => node.dial({ host: HOST, port, signal }),
      () => until(() => came),
    );
    await ended;
  });

  it('while the puzzle is being solved stops the work', async () => {
    let sent = false;
    let handshakes = 0;
    const port = await rawServer(async (socket) => {
      await challenge(socket, 20);
      sent = true;
    });
    let advanced = 0;
    const node = createPoolNode(
      {},
      {
        protocol: {
          createClientHandshake: (config) => {
            handshakes++;
            const handshake = createClientHandshake(config);
            const advance = handshake.advance.bind(handshake);
            handshake.advance = (now) => (advanced++, advance(now));
            return handshake;
          },
          createServerHandshake,
        },
      },
    );
    await aborted(
      (signal) => node.dial({ host: HOST, port, signal }),
      () => until(() => sent && advanced > 3),
    );
    const then = advanced;
    for (let i = 0; i < 5; i++) await turn();
    expect(advanced).toBe(then);
    expect(handshakes).toBe(1);
  });

  it('while the completion is awaited ends the connection', async () => {
    let responded = false;
    const port = await rawServer(async (socket) => {
      await challenge(socket);
      await once(socket, 'data');
      responded = true;
    });
    await aborted(
      (signal) => createPoolNode().dial({ host: HOST, port, signal }),
      () => until(() => responded),
    );
  });

  it('after the dial changes nothing', async () => {
    const server = await Server.listen();
    const controller = new AbortController();
    const session = await server.node.dial({ host: HOST, port: server.port, signal: controller.signal });
    expect(getEventListeners(controller.signal, 'abort').length).toBe(0);
    controller.abort();
    const recorder = new Recorder();
    const accepted = await server.accepted();
    accepted.start(recorder);
    session.send(0, bytes('still here'));
    await recorder.received(1);
    session.destroy();
  });
});

describe('a dial', () => {
  it('leaves no timer behind, whether it succeeds or fails', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const server = await Server.listen();
    const before = timers();
    const session = await server.node.dial({ host: HOST, port: server.port });
    session.unref();
    (await server.accepted()).unref();
    // At most: a timer of the runner's own may have ended meanwhile.
    expect(timers()).toBeLessThanOrEqual(before);
    await codeOf(server.node.dial({ host: HOST, port: await closedPort() }));
    expect(timers()).toBeLessThanOrEqual(before);
    session.destroy();
  });
});
