import { once } from 'node:events';
import * as net from 'node:net';
import { describe, expect, it } from 'vitest';
import type { RefuseReason } from '../../src/base/session.js';
import { createPoolNode } from '../../src/poolnode/node.js';
import { nodeCrypto } from '../../src/poolnode/crypto/node-crypto.js';
import { createClientHandshake, createServerHandshake } from '../../src/poolnode/protocol/index.js';
import type { HandshakeLimits, NodeSession, PoolNode } from '../../src/poolnode/types.js';
import { bytes, codeOf, goneFrom, rawConnection, Recorder, Server, turn, until } from './conversation.js';

const HOST = '127.0.0.1';

const limited = (handshakeLimits: Partial<HandshakeLimits>): PoolNode => createPoolNode({}, { handshakeLimits });

/** INIT as a client sends it first. */
function init(): Buffer {
  const handshake = createClientHandshake({ crypto: nodeCrypto(), initialSequence: 2n ** 40n, timestampOffset: 0n });
  handshake.advance(process.hrtime.bigint());
  return Buffer.concat(handshake.takeOutput());
}

/** Connections of one address that never send a byte. */
function silent(port: number, count: number, localAddress = HOST): Promise<net.Socket[]> {
  return Promise.all(Array.from({ length: count }, () => rawConnection(port, { localAddress })));
}

/** A dial from another address of this machine. */
function dialFrom(localAddress: string, port: number): Promise<NodeSession> {
  return createPoolNode({}, { connect: (where) => net.connect({ ...where, localAddress }) }).dial({ host: HOST, port });
}

describe('listen', () => {
  it.each([
    [{ port: -1 }, 'ERR_OUT_OF_RANGE'],
    [{ port: 65536 }, 'ERR_OUT_OF_RANGE'],
    [{ port: 0, host: 1 as unknown as string }, 'ERR_INVALID_ARG_TYPE'],
    [{ port: 0, backlog: 0 }, 'ERR_OUT_OF_RANGE'],
    [{ port: 0, maxSessionsPerAddress: 0 }, 'ERR_OUT_OF_RANGE'],
    [{ port: 0, handshakes: { pending: 0 } }, 'ERR_OUT_OF_RANGE'],
    [{ port: 0, session: null as unknown as () => void }, 'ERR_INVALID_ARG_TYPE'],
  ])('refuses %o', async (wrong, code) => {
    expect(await codeOf(createPoolNode().listen({ session: () => {}, ...wrong }))).toBe(code);
  });

  it('tells the port that it got', async () => {
    const server = await Server.listen({ port: 0 });
    expect(server.listener.local).toEqual({ address: HOST, family: 'IPv4', port: server.port });
    expect(server.port).toBeGreaterThan(0);
  });

  it('says EADDRINUSE of a port that is taken', async () => {
    const server = await Server.listen();
    const second = createPoolNode().listen({ host: HOST, port: server.port, session: () => {} });
    await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE', syscall: 'listen' });
    await expect(second).rejects.toThrow(/^address already in use$/);
  });

  it('gives the port back when it is closed, and leaves sessions alone', async () => {
    const server = await Server.listen();
    const session = await server.node.dial({ host: HOST, port: server.port });
    const accepted = await server.accepted();
    await Promise.all([server.listener.close(), server.listener.close()]);
    const again = await Server.listen({ port: server.port });
    expect(again.port).toBe(server.port);
    const recorder = new Recorder();
    accepted.start(recorder);
    session.send(0, bytes('still here'));
    await recorder.received(1);
    session.destroy();
  });

  it('drops the pending handshakes when it is closed', async () => {
    const server = await Server.listen();
    const [socket] = await silent(server.port, 1);
    const closed = goneFrom(socket!);
    await turn();
    await server.listener.close();
    await closed;
    expect(server.sessions).toEqual([]);
  });
});

describe('a listener', () => {
  it.each<RefuseReason>(['blocked', 'max-connections', 'backlog'])('drops what is not admitted: %s', async (reason) => {
    const remotes: unknown[] = [];
    const server = await Server.listen({
      admit: (remote) => {
        remotes.push(remote);
        return reason;
      },
    });
    expect(await codeOf(createPoolNode().dial({ host: HOST, port: server.port }))).toBe('ECONNRESET');
    expect(server.drops).toEqual([{ reason, code: undefined }]);
    expect(remotes).toMatchObject([{ address: HOST, family: 'IPv4' }]);
  });

  it('drops a connection when the table is full, and takes one when a slot is free', async () => {
    const server = await Server.listen({}, createPoolNode({ maxSessions: 2 }));
    const node = createPoolNode();
    const dial = () => node.dial({ host: HOST, port: server.port });
    await dial();
    await dial();
    await server.accepted(2);
    await expect(dial()).rejects.toThrow(/table may be full/);
    expect(server.drops).toEqual([{ reason: 'table-full', code: undefined }]);
    server.sessions[0]!.destroy();
    await dial();
    expect((await server.accepted(3)).index).toBe(0);
    for (const session of node.sessions()) session.destroy();
  });

  it('gives a slot only after the proof, and ends a late handshake when the last slot went meanwhile', async () => {
    const server = await Server.listen({}, createPoolNode({ maxSessions: 1 }));
    const socket = await rawConnection(server.port);
    const handshake = createClientHandshake({ crypto: nodeCrypto(), initialSequence: 2n ** 40n, timestampOffset: 0n });
    const go = (): Buffer => {
      do handshake.advance(process.hrtime.bigint());
      while (handshake.busy);
      return Buffer.concat(handshake.takeOutput());
    };
    socket.write(go());
    const [challenge] = (await once(socket, 'data')) as [Buffer];
    expect(server.node.sessions()).toEqual([]);
    const session = await createPoolNode().dial({ host: HOST, port: server.port });
    handshake.receive(challenge);
    const ended = goneFrom(socket);
    socket.write(go());
    await ended;
    expect(server.drops).toEqual([{ reason: 'table-full', code: undefined }]);
    expect(server.sessions.length).toBe(1);
    session.destroy();
  });

  it.each([
    ['nonsense', () => Buffer.from('GET / HTTP/1.1\r\n'.repeat(100)), 'ERR_POOL_PROTOCOL'],
    ['zeros', () => Buffer.alloc(500), 'ERR_POOL_PROTOCOL'],
    ['ones', () => Buffer.alloc(500, 0xff), 'ERR_POOL_PROTOCOL'],
    ['INIT twice', () => Buffer.concat([init(), init()]), undefined],
    ['INIT and nonsense', () => Buffer.concat([init(), Buffer.alloc(500, 0x55)]), 'ERR_POOL_PROTOCOL'],
    ['INIT and a FIN', init, 'ECONNRESET'],
    ['half of INIT and a FIN', () => init().subarray(0, 100), 'ECONNRESET'],
    ['nothing and a FIN', () => Buffer.alloc(0), 'ECONNRESET'],
  ])('survives %s', async (_what, data, code) => {
    const server = await Server.listen();
    const socket = await rawConnection(server.port);
    socket.resume().end(data());
    await until(() => server.drops.length === 1);
    expect(server.drops[0]!.reason).toBe('handshake-failed');
    if (code !== undefined) expect(server.drops[0]!.code).toBe(code);
    const session = await createPoolNode().dial({ host: HOST, port: server.port });
    expect(session.state).toBe('ESTABLISHED');
    session.destroy();
  });

  it('says ERR_POOL_AUTH_FAILED of a RESPONSE with any bit wrong in its payload, and gives no slot', async () => {
    const server = await Server.listen();
    for (const at of [80, 111, 112, 143, 144, 159]) {
      const socket = await rawConnection(server.port);
      const handshake = createClientHandshake({
        crypto: nodeCrypto(),
        initialSequence: 2n ** 40n,
        timestampOffset: 0n,
      });
      handshake.advance(process.hrtime.bigint());
      socket.write(Buffer.concat(handshake.takeOutput()));
      handshake.receive(((await once(socket, 'data')) as [Buffer])[0]);
      do handshake.advance(process.hrtime.bigint());
      while (handshake.busy);
      const response = Buffer.concat(handshake.takeOutput());
      response[at] = response[at]! ^ 1;
      const ended = goneFrom(socket);
      socket.write(response);
      await ended;
    }
    expect(server.drops).toEqual(
      Array.from({ length: 6 }, () => ({ reason: 'handshake-failed', code: 'ERR_POOL_AUTH_FAILED' })),
    );
    expect(server.node.sessions()).toEqual([]);
  });

  it('ends a handshake that is not done in its time, dripping or silent', async () => {
    const server = await Server.listen({}, limited({ timeout: 100 }));
    const [quiet, dripping, challenged] = await silent(server.port, 3);
    const packet = init();
    challenged!.write(packet);
    let at = 0;
    const drip = setInterval(() => dripping!.write(packet.subarray(at, ++at)), 5);
    await Promise.all([quiet!, dripping!, challenged!].map(goneFrom));
    clearInterval(drip);
    await until(() => server.drops.length === 3);
    expect(server.drops.map(({ code }) => code)).toEqual(['ERR_POOL_TIMEOUT', 'ERR_POOL_TIMEOUT', 'ERR_POOL_TIMEOUT']);
    expect(server.sessions).toEqual([]);
  });

  it('reads 16 connections of one address at a time, lets the 17th wait unread, and serves others', async () => {
    const server = await Server.listen();
    const quiet = await silent(server.port, 16);
    let waiting = true;
    const seventeenth = createPoolNode().dial({ host: HOST, port: server.port });
    void seventeenth.then(() => (waiting = false));
    const elsewhere = await dialFrom('127.0.0.2', server.port);
    expect(elsewhere.local.address).toBe('127.0.0.2');
    // The one from elsewhere came later, and its whole handshake went by meanwhile.
    expect(waiting).toBe(true);
    quiet[0]!.destroy();
    const session = await seventeenth;
    expect(server.drops).toEqual([{ reason: 'handshake-failed', code: 'ECONNRESET' }]);
    for (const each of [session, elsewhere]) each.destroy();
  });

  it('serves who waits behind silent connections of its own address when their time is over', async () => {
    const server = await Server.listen({ handshakes: { initTimeout: 50, minInitTimeout: 50 } });
    await silent(server.port, 16);
    const session = await createPoolNode().dial({ host: HOST, port: server.port });
    expect(server.drops[0]).toEqual({ reason: 'handshake-failed', code: 'ERR_POOL_TIMEOUT' });
    session.destroy();
  });

  it('lets a dial from a new address in when as many are pending as may be, and one of the silent go', async () => {
    const server = await Server.listen({ handshakes: { pending: 6 } });
    await silent(server.port, 6, '127.0.1.1');
    const session = await createPoolNode().dial({ host: HOST, port: server.port });
    expect(server.drops).toEqual([{ reason: 'too-many-handshakes', code: 'ERR_POOL_TIMEOUT' }]);
    session.destroy();
  });

  it('drops what waited too long for its turn, and says so', async () => {
    const server = await Server.listen({ handshakes: { startedPerAddress: 1, queueTimeout: 50 } });
    await silent(server.port, 1);
    const dialled = createPoolNode().dial({ host: HOST, port: server.port });
    await expect(dialled).rejects.toThrow(/takes no more connections from here/);
    expect(server.drops).toEqual([{ reason: 'too-many-handshakes', code: 'ERR_POOL_TIMEOUT' }]);
  });

  it('counts the pending handshakes of each listener by themselves', async () => {
    const node = limited({ startedPerAddress: 1 });
    const one = await Server.listen({}, node);
    const two = await Server.listen({}, node);
    await silent(one.port, 1);
    const session = await createPoolNode().dial({ host: HOST, port: two.port });
    session.destroy();
  });

  it('gives one address three quarters of the table, others the rest, and drops what is beyond', async () => {
    const server = await Server.listen({}, createPoolNode({ maxSessions: 8 }));
    const node = createPoolNode();
    const dial = () => node.dial({ host: HOST, port: server.port });
    for (let i = 0; i < 6; i++) await dial();
    expect(await codeOf(dial())).toBe('ECONNRESET');
    expect(server.drops).toEqual([{ reason: 'address-limit', code: undefined }]);
    const others = [await dialFrom('127.0.0.2', server.port), await dialFrom('127.0.0.2', server.port)];
    expect(await codeOf(dialFrom('127.0.0.3', server.port))).toBe('ECONNRESET');
    expect(server.drops[1]).toEqual({ reason: 'table-full', code: undefined });
    server.sessions[0]!.destroy();
    await dial();
    for (const session of [...node.sessions(), ...others]) session.destroy();
  });

  it('takes another limit for one address, and holds to it when several handshakes end at once', async () => {
    const server = await Server.listen({ maxSessionsPerAddress: 2 });
    const node = createPoolNode();
    const dials = Array.from({ length: 6 }, () => codeOf(node.dial({ host: HOST, port: server.port })));
    const codes = await Promise.all(dials);
    expect(codes.filter((code) => code === undefined).length).toBe(2);
    expect(codes.filter((code) => code === 'ECONNRESET').length).toBe(4);
    expect(server.drops.map(({ reason }) => reason)).toEqual(Array.from({ length: 4 }, () => 'address-limit'));
    for (const session of node.sessions()) session.destroy();
  });

  it('makes a hasty address wait when busy, and asks harder puzzles', async () => {
    const difficulties: number[] = [];
    const node = createPoolNode(
      {},
      {
        handshakeLimits: { busyAbove: 1, rate: 10, burst: 1, busyDifficulty: 9 },
        protocol: {
          createClientHandshake,
          createServerHandshake: (config) => {
            difficulties.push(config.difficulty);
            return createServerHandshake(config);
          },
        },
      },
    );
    const server = await Server.listen({}, node);
    // Two that stop after INIT: they have cost a key exchange, and owe the answer to CHALLENGE.
    for (const address of ['127.0.2.1', '127.0.2.2']) {
      const [socket] = await silent(server.port, 1, address);
      socket!.write(init());
      await once(socket!, 'data');
    }
    const begun = process.hrtime.bigint();
    const dial = () => createPoolNode().dial({ host: HOST, port: server.port });
    const sessions = await Promise.all([dial(), dial(), dial()]);
    expect(Number(process.hrtime.bigint() - begun) / 1e6).toBeGreaterThan(180);
    expect(server.drops).toEqual([]);
    expect(difficulties).toEqual([8, 8, 9, 9, 9]);
    for (const session of sessions) session.destroy();
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('receiver fault');
      },
    ],
    ['rejects', () => Promise.reject(new Error('receiver fault'))],
  ])('destroys a session whose receiver %s, says so, and serves the next one', async (_, fault) => {
    let calls = 0;
    const accepted: unknown[] = [];
    const server = await Server.listen({
      session: (session) => {
        if (calls++ === 0) return fault() as never;
        accepted.push(session);
      },
    });
    const warned = once(process, 'warning');
    const first = await createPoolNode().dial({ host: HOST, port: server.port });
    const recorder = new Recorder();
    first.start(recorder);
    expect(((await warned)[0] as Error).message).toBe('receiver fault');
    expect((await recorder.ended).error?.code).toBe('ERR_POOL_PEER_LOST');
    const second = await createPoolNode().dial({ host: HOST, port: server.port });
    await until(() => accepted.length === 1);
    second.destroy();
    for (const session of server.node.sessions()) session.destroy();
  });
});
