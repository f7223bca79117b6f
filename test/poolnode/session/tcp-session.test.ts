import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/base/errors.js';
import { WRITE_HIGH_WATER } from '../../../src/poolnode/constants.js';
import { bytes, codeOf, pair, type Pair, Recorder, turn, until } from '../conversation.js';
import { noting } from '../protocol/noting-crypto.js';

const MS = 1_000_000n;
const CHUNK = 64 * 1024 - 1;

/** Sends until the session asks to wait, or `limit` messages. Returns how many. */
function fill(session: { send(channel: number, data: Uint8Array): boolean }, limit = 10_000): number {
  const data = new Uint8Array(CHUNK);
  let sent = 0;
  while (sent++ < limit && session.send(0, data));
  return sent;
}

/** More than the system's buffers take of what a peer doesn't read. */
function flood(session: { send(channel: number, data: Uint8Array): boolean }): void {
  for (let i = 0; i < 500; i++) session.send(0, new Uint8Array(CHUNK));
}

describe('start', () => {
  it('is when delivery begins, and no message is lost before it', async () => {
    const { client, server, atServer } = await pair({ start: false });
    client.send(0, bytes('early'));
    for (let i = 0; i < 5; i++) await turn();
    expect(atServer.messages).toEqual([]);
    server.start(atServer);
    expect(atServer.messages).toEqual([]);
    await atServer.received(1);
    expect(atServer.texts).toEqual(['early']);
  });

  it('happens once', async () => {
    const { server } = await pair();
    expect(() => server.start(new Recorder())).toThrow(PoolError);
  });

  it('tells of an end that came before it', async () => {
    const { client, server, atServer } = await pair({ start: false });
    await client.close();
    server.destroy();
    server.start(atServer);
    expect(await atServer.ended).toEqual({ by: 'local' });
  });
});

describe('send', () => {
  it('takes the bytes before it returns', async () => {
    const { client, atServer } = await pair();
    const data = bytes('as it was');
    client.send(0, data);
    data.fill(0);
    await atServer.received(1);
    expect(atServer.texts).toEqual(['as it was']);
  });

  it('calls done when the socket has the message, in order, and never from within', async () => {
    const { client } = await pair();
    const log: string[] = [];
    await new Promise<void>((resolve) => {
      client.send(0, bytes('a'), () => log.push('a'));
      client.send(0, bytes('b'), () => {
        log.push('b');
        resolve();
      });
      log.push('sent');
    });
    expect(log).toEqual(['sent', 'a', 'b']);
  });

  it.each([
    [256, 1, 'ERR_OUT_OF_RANGE'],
    [-1, 1, 'ERR_OUT_OF_RANGE'],
    [0, 65536, 'ERR_POOL_MESSAGE_TOO_LARGE'],
    [0, 0, 'ERR_INVALID_ARG_VALUE'],
  ])('refuses channel %d with %d bytes and stays open', async (channel, size, code) => {
    const { client, atServer } = await pair();
    expect(() => client.send(channel, new Uint8Array(size))).toThrow(expect.objectContaining({ code }));
    client.send(0, bytes('still here'));
    await atServer.received(1);
  });

  it('says that the peer does not read, holds a bounded amount, and goes on when it reads again', async () => {
    const { client, server, atClient, atServer, clientSocket } = await pair();
    server.pause();
    const total = 400;
    let sent = 0;
    const go = (): void => {
      while (sent < total) {
        sent++;
        if (!client.send(0, Buffer.alloc(CHUNK, sent & 255))) return;
      }
    };
    atClient.onDrain = go;
    go();
    // The system's own buffers on loopback take some megabytes; after that nothing moves.
    let quiet = 0;
    for (let before = -1; quiet < 50; before = sent) {
      quiet = before === sent ? quiet + 1 : 0;
      await turn();
    }
    expect(sent).toBeLessThan(total);
    expect(clientSocket.writableLength).toBeLessThanOrEqual(WRITE_HIGH_WATER + 2 * (CHUNK + 176));
    expect(atServer.messages.length).toBeLessThanOrEqual(2);
    server.resume();
    await atServer.received(total);
    expect(atServer.messages.every(({ data }, i) => data[0] === ((i + 1) & 255) && data.length === CHUNK)).toBe(true);
    expect(atClient.drains).toBeGreaterThan(0);
  });

  it('fails when the session ended, with the reason', async () => {
    const { client, server, atServer } = await pair();
    await client.close();
    await atServer.ended;
    const done = (session: typeof client) =>
      new Promise<PoolError | undefined>((resolve) => void session.send(0, bytes('late'), resolve));
    expect(await done(client)).toMatchObject({ code: 'ERR_POOL_CLOSED' });
    expect(await done(server)).toMatchObject({ code: 'ERR_POOL_NOT_ESTABLISHED' });
  });
});

describe('pause', () => {
  it('stops messages at once and loses none', async () => {
    const { client, server, atServer } = await pair();
    atServer.take = (data) => data[0] !== 2;
    for (let i = 1; i <= 4; i++) client.send(0, Uint8Array.of(i));
    await atServer.received(2);
    for (let i = 0; i < 5; i++) await turn();
    expect(atServer.messages.length).toBe(2);
    server.resume();
    await atServer.received(4);
    expect(atServer.messages.map(({ data }) => data[0])).toEqual([1, 2, 3, 4]);
  });

  it('is reported when it lasts over 8 s, once, and again for the next pause', async () => {
    // Time stands still but for what the test lets pass: on a busy machine, seconds may lie between two of its lines.
    let now = 1_000_000n * MS;
    const clock = (): bigint => now;
    const heartbeatIntervalNs = 5n * MS;
    const { server, atServer } = await pair({ server: { clock, limits: { heartbeatIntervalNs } } });
    /** The session's timer has fired: it has sent the HEARTBEATs that became due. */
    const fired = async (): Promise<void> => {
      for (let i = 0; i < 3; i++) {
        const before = server.info().packetsSent;
        now += heartbeatIntervalNs;
        await until(() => server.info().packetsSent > before);
      }
    };
    for (const reports of [1, 2]) {
      server.pause();
      now += 7000n * MS;
      await fired();
      expect(atServer.stalls.length).toBe(reports - 1);
      now += 1000n * MS;
      await until(() => atServer.stalls.length === reports);
      expect(atServer.stalls.at(-1)).toBeGreaterThanOrEqual(8000);
      now += 20_000n * MS;
      await fired();
      expect(atServer.stalls.length).toBe(reports);
      server.resume();
      await turn();
    }
    expect(server.state).toBe('ESTABLISHED');
  });
});

describe('close', () => {
  it('delivers what was sent, then the end, and frees both slots', async () => {
    const { client, atClient, atServer, clientNode, serverNode } = await pair();
    const count = 100;
    for (let i = 0; i < count; i++) client.send(0, new Uint8Array(CHUNK));
    await client.close();
    expect(clientNode.sessions()).toEqual([]);
    expect(await atClient.ended).toEqual({ by: 'local' });
    expect(await atServer.ended).toEqual({ by: 'remote' });
    expect(atServer.messages.length).toBe(count);
    expect(serverNode.sessions()).toEqual([]);
    expect([atClient.ends, atServer.ends]).toEqual([1, 1]);
  });

  it('is joined by a second call, and by one after the end', async () => {
    const { client } = await pair();
    const first = client.close();
    expect(client.close({ timeout: 1 })).toBe(first);
    await first;
    await client.close();
    expect(client.state).toBe('CLOSING');
  });

  it('ends the process of nobody: both ends may close at once', async () => {
    const { client, server, atClient, atServer } = await pair();
    await Promise.all([client.close(), server.close()]);
    expect(await atClient.ended).toEqual({ by: 'local' });
    expect(await atServer.ended).toEqual({ by: 'local' });
  });

  it('delivers no message any more, while the peer goes on sending', async () => {
    const { client, server, atClient, atServer } = await pair();
    fill(server);
    atServer.onDrain = () => fill(server);
    const closed = client.close();
    const received = atClient.messages.length;
    await closed;
    expect(await atServer.ended).toEqual({ by: 'remote' });
    expect(atClient.messages.length).toBe(received);
  });

  it('succeeds between two ends that both have full sockets', async () => {
    const { client, server, atClient, atServer } = await pair();
    client.pause();
    server.pause();
    fill(client);
    fill(server);
    const closed = client.close();
    server.resume();
    await closed;
    expect(await atServer.ended).toEqual({ by: 'remote' });
    expect(await atClient.ended).toEqual({ by: 'local' });
  });

  it('gives up on a peer that does not take the data', async () => {
    const { client, server, atClient, atServer, clientSocket } = await pair();
    server.pause();
    for (let i = 0; i < 500; i++) client.send(0, new Uint8Array(CHUNK));
    expect(await codeOf(client.close({ timeout: 50 }))).toBe('ERR_POOL_TIMEOUT');
    expect((await atClient.ended).error?.code).toBe('ERR_POOL_TIMEOUT');
    expect(clientSocket.destroyed).toBe(true);
    server.resume();
    expect((await atServer.ended).error?.code).toBe('ERR_POOL_PEER_LOST');
  });

  it('keeps the socket until the peer sent its FIN, and not longer', async () => {
    const { client, atServer, clientSocket } = await pair();
    await client.close();
    await atServer.ended;
    if (!clientSocket.destroyed) await once(clientSocket, 'close');
    expect(clientSocket.destroyed).toBe(true);
  });

  it('costs a peer nothing that reads slowly, and says meanwhile that it lives', async () => {
    const { client, server, atServer, clientNode } = await pair({
      server: { limits: { heartbeatIntervalNs: 100n * MS } },
      start: false,
    });
    const count = 16;
    for (let i = 0; i < count; i++) client.send(0, new Uint8Array(CHUNK));
    await client.close();
    expect(clientNode.sessions()).toEqual([]);
    // Longer than who says nothing more is waited for, and than a HEARTBEAT would take to meet a socket that is gone.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    server.start(atServer);
    expect(await atServer.ended).toEqual({ by: 'remote' });
    expect(atServer.messages.length).toBe(count);
  });

  it('rejects when the session is destroyed meanwhile', async () => {
    const { client, server } = await pair();
    server.pause();
    for (let i = 0; i < 500; i++) client.send(0, new Uint8Array(CHUNK));
    const closed = client.close();
    client.destroy();
    expect(await codeOf(closed)).toBe('ERR_POOL_CLOSED');
  });
});

describe('the peer', () => {
  it('that destroys its session is lost, after what it sent', async () => {
    const { client, atClient, server, atServer } = await pair();
    await new Promise<void>((resolve) => void client.send(0, bytes('last words'), () => resolve()));
    client.destroy();
    const end = await atServer.ended;
    expect(end).toMatchObject({ by: 'error', error: { code: 'ERR_POOL_PEER_LOST' } });
    expect(atServer.texts).toEqual(['last words']);
    expect(await atClient.ended).toEqual({ by: 'local' });
    expect(server.state).toBe('CLOSING');
  });

  it('that sends FIN without CLOSE is lost, after what it sent', async () => {
    const { client, atServer, clientSocket } = await pair();
    client.send(0, bytes('last words'));
    await turn();
    clientSocket.end();
    expect((await atServer.ended).error?.code).toBe('ERR_POOL_PEER_LOST');
    expect(atServer.texts).toEqual(['last words']);
  });

  it('that resets the connection is lost, with the cause', async () => {
    const { atServer, clientSocket } = await pair();
    clientSocket.resetAndDestroy();
    const { error } = await atServer.ended;
    expect(error).toMatchObject({ code: 'ERR_POOL_PEER_LOST', syscall: 'read', cause: { code: 'ECONNRESET' } });
    expect(error?.message).toContain('ECONNRESET');
  });

  it('that is lost while we do not read is told of after the messages that were read', async () => {
    const { client, server, atServer, clientSocket } = await pair();
    atServer.take = () => false;
    client.send(0, bytes('one'));
    client.send(0, bytes('two'));
    await atServer.received(1);
    clientSocket.resetAndDestroy();
    // A write notices the reset although nothing is read.
    const failed = new Promise<PoolError | undefined>((resolve) => {
      const poke = (error?: PoolError): void => (error ? resolve(error) : void server.send(0, bytes('poke'), poke));
      poke();
    });
    expect((await failed)?.code).toBe('ERR_POOL_PEER_LOST');
    expect(atServer.ends).toBe(0);
    server.resume();
    await atServer.received(2);
    server.resume();
    expect((await atServer.ended).error?.code).toBe('ERR_POOL_PEER_LOST');
    expect(atServer.texts).toEqual(['one', 'two']);
  });

  it('that sends wrong bytes ends its own session and no other', async () => {
    const { atServer, clientSocket, clientNode, listening, serverNode } = await pair();
    const dialled = await clientNode.dial({ host: '127.0.0.1', port: listening.port });
    const atAccepted = new Recorder();
    (await listening.accepted(2)).start(atAccepted);
    // Long enough for any length that the bytes may be taken to announce.
    clientSocket.write('GET / HTTP/1.1\r\n'.repeat(5000));
    expect((await atServer.ended).error?.code).toMatch(/^ERR_POOL_(PROTOCOL|AUTH_FAILED)$/);
    expect(atServer.messages).toEqual([]);
    expect(serverNode.sessions().map(({ index }) => index)).toEqual([1]);
    dialled.send(0, bytes('unharmed'));
    await atAccepted.received(1);
    dialled.destroy();
  });

  it('that is silent is lost when its time is over', async () => {
    const { atClient, clientSocket } = await pair({
      client: { limits: { heartbeatIntervalNs: 20n * MS, deadAfterNs: 80n * MS } },
      server: { limits: { heartbeatIntervalNs: 1_000_000n * MS } },
      start: false,
    }).then(async (made) => {
      made.client.start(made.atClient);
      return made;
    });
    expect((await atClient.ended).error?.code).toBe('ERR_POOL_PEER_LOST');
    expect(clientSocket.destroyed).toBe(true);
  });

  it('that answers HEARTBEATs lives', async () => {
    const { client, server } = await pair({
      client: { limits: { heartbeatIntervalNs: 10n * MS, deadAfterNs: 2000n * MS } },
    });
    await until(() => client.telemetry().rttNs > 0n);
    expect(server.peerTelemetry()).not.toBeNull();
    expect(client.state).toBe('ESTABLISHED');
  });
});

describe('destroy', () => {
  it('tells the owner in the next turn, and fails what was not sent', async () => {
    const { client, server, atClient } = await pair();
    server.pause();
    const results: (string | undefined)[] = [];
    for (let i = 0; i < 500; i++) client.send(0, new Uint8Array(CHUNK), (error) => results.push(error?.code));
    client.destroy(new PoolError('ERR_POOL_TIMEOUT', 'enough'));
    expect(atClient.ends).toBe(0);
    expect(await atClient.ended).toMatchObject({ by: 'error', error: { code: 'ERR_POOL_TIMEOUT' } });
    expect(results.length).toBe(500);
    expect(results.at(-1)).toBe('ERR_POOL_TIMEOUT');
    client.destroy();
    await turn();
    expect(atClient.ends).toBe(1);
    expect(results.length).toBe(500);
  });
});

describe('keys', () => {
  it.each<[how: string, end: (pair: Pair) => unknown]>([
    ['a close', ({ client }) => client.close()],
    ['two closes at once', ({ client, server }) => Promise.all([client.close(), server.close()])],
    ['destroy', ({ client }) => client.destroy()],
    ['a reset', ({ clientSocket }) => clientSocket.resetAndDestroy()],
    ['a FIN without CLOSE', ({ clientSocket }) => clientSocket.end()],
    [
      'a close that the peer gives no time for',
      ({ client, server }) => {
        server.pause();
        flood(client);
        return codeOf(client.close({ timeout: 20 })).then((code) => {
          expect(code).toBe('ERR_POOL_TIMEOUT');
          server.resume();
        });
      },
    ],
    [
      'a socket that takes nothing',
      async ({ client, server, atClient }) => {
        server.pause();
        client.pause();
        flood(client);
        expect((await atClient.ended).error?.message).toContain('writeStallTimeout');
        server.resume();
      },
    ],
    [
      'an owner that throws',
      ({ atServer, client }) => {
        atServer.take = () => {
          throw new Error('oops');
        };
        client.send(0, bytes('boo'));
      },
    ],
  ])('are given up by both sides after %s', async (_, end) => {
    const { crypto, held } = noting();
    const made = await pair({ client: { crypto }, server: { crypto }, writeStallTimeout: 400 });
    expect(held.size).toBeGreaterThan(0);
    await end(made);
    await Promise.all([made.atClient.ended, made.atServer.ended]);
    await until(() => held.size === 0);
  });

  it('stay while messages of a lost connection wait to be read, and are given up after those', async () => {
    const { crypto, held } = noting();
    const { client, server, atClient, atServer, clientSocket } = await pair({ server: { crypto } });
    atServer.take = () => false;
    client.send(0, bytes('one'));
    client.send(0, bytes('two'));
    await atServer.received(1);
    clientSocket.resetAndDestroy();
    await atClient.ended;
    // A write notices the reset although nothing is read.
    await new Promise<void>((resolve) => {
      const poke = (error?: PoolError): void => (error ? resolve() : void server.send(0, bytes('poke'), poke));
      poke();
    });
    for (let i = 0; i < 5; i++) await turn();
    expect(held.size).toBeGreaterThan(0);
    server.resume();
    await atServer.received(2);
    server.resume();
    await atServer.ended;
    expect([atServer.texts, held.size]).toEqual([['one', 'two'], 0]);
  });
});

describe('an owner that throws', () => {
  it.each(['message', 'drain', 'done'] as const)('from %s loses that session and harms no other', async (where) => {
    const { client, server, atServer, atClient, clientNode, listening } = await pair();
    const dialled = await clientNode.dial({ host: '127.0.0.1', port: listening.port });
    const accepted = await listening.accepted(2);
    const atDialled = new Recorder();
    const atAccepted = new Recorder();
    dialled.start(atDialled);
    accepted.start(atAccepted);
    const oops = (): never => {
      throw new Error('oops');
    };
    if (where === 'message') {
      atClient.take = oops;
      server.send(0, bytes('boo'));
    } else if (where === 'drain') {
      atClient.onDrain = oops;
      fill(client);
    } else {
      client.send(0, bytes('x'), oops);
    }
    const end = await atClient.ended;
    expect(end.error).toMatchObject({ code: 'ERR_POOL_CLOSED', cause: { message: 'oops' } });
    expect((await atServer.ended).error?.code).toBe('ERR_POOL_PEER_LOST');
    dialled.send(0, bytes('unharmed'));
    await atAccepted.received(1);
    dialled.destroy();
  });

  it('from a callback of a message that is refused gets a warning', async () => {
    const { client } = await pair();
    await client.close();
    const warned = once(process, 'warning');
    client.send(0, bytes('late'), () => {
      throw new Error('oops too late');
    });
    expect(((await warned)[0] as Error).message).toBe('oops too late');
  });

  it('from end gets a warning, and the process lives', async () => {
    const { client } = await pair({ start: false });
    const warned = once(process, 'warning');
    client.start({
      message: () => true,
      drain: () => {},
      end: () => {
        throw new Error('oops at the end');
      },
    });
    client.destroy();
    expect(((await warned)[0] as Error).message).toBe('oops at the end');
  });
});
