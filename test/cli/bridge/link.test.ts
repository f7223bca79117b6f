import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { join } from '../../../src/cli/bridge/link.js';
import type { Conn } from '../../../src/index.js';
import { pipe } from '../../../src/testing/index.js';

interface Linked {
  /** The program at the other end of TCP. */
  client: Socket;
  /** What it got so far. */
  got: () => string;
  /** The program at the other end of POOL. */
  peer: Conn;
  over: Promise<void>;
  cut: AbortController;
  passed: { toPool: number; toTcp: number };
}

const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

async function linked(halfCloseTimeout = 60_000): Promise<Linked> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  const [socket] = (await once(server, 'connection')) as [Socket];
  server.close();
  sockets.push(client, socket);
  const [conn, peer] = pipe();
  const cut = new AbortController();
  const passed = { toPool: 0, toTcp: 0 };
  const over = join(socket, conn, { halfCloseTimeout, passed, cut: cut.signal });
  over.catch(() => undefined);
  client.on('error', () => undefined);
  let got = '';
  client.on('data', (chunk: Buffer) => (got += chunk.toString()));
  return { client, got: () => got, peer, over, cut, passed };
}

const text = (message: Uint8Array | null): string | null => (message === null ? null : Buffer.from(message).toString());
const ended = (socket: Socket) => new Promise<void>((resolve) => socket.once('end', resolve));
const closed = (socket: Socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()));

describe('a link', () => {
  it('carries bytes both ways, and the close of POOL as FIN', async () => {
    const { client, got, peer, over, passed } = await linked();
    client.write('question');
    expect(text(await peer.readMessage())).toBe('question');
    await peer.write('answer');
    const end = ended(client);
    await peer.close();
    await end;
    expect(got()).toBe('answer');
    client.end();
    await over;
    expect(passed).toEqual({ toPool: 8, toTcp: 6 });
  });

  it("does not pass TCP's FIN on: an answer still comes", async () => {
    const { client, got, peer, over } = await linked();
    client.end('question');
    expect(text(await peer.readMessage())).toBe('question');
    await peer.write('a late answer');
    const end = ended(client);
    await peer.close();
    await end;
    expect(got()).toBe('a late answer');
    await over;
  });

  it('closes the session when nothing comes after a FIN, and not while something does', async () => {
    const { client, got, peer, over } = await linked(200);
    client.end();
    for (let count = 0; count < 5; count += 1) {
      await peer.write('x');
      await new Promise((resolve) => setTimeout(resolve, 60)); // shorter than the timeout; together longer
    }
    const end = ended(client);
    expect(await peer.readMessage()).toBeNull();
    expect((await peer.closed).by).toBe('remote');
    await end;
    await over;
    expect(got()).toBe('xxxxx');
    expect(client.errored).toBeNull();
  });

  it('resets TCP when the session breaks, behind what came', async () => {
    const { client, got, peer, over } = await linked();
    await peer.write('half of');
    while (got() === '') await once(client, 'data');
    peer.destroy();
    await closed(client);
    expect(client.errored).toMatchObject({ code: 'ECONNRESET' });
    await expect(over).rejects.toMatchObject({ code: 'ERR_POOL_PEER_LOST' });
  });

  it('breaks the session when TCP is reset', async () => {
    const { client, peer, over } = await linked();
    client.write('half of');
    expect(text(await peer.readMessage())).toBe('half of');
    client.resetAndDestroy();
    await expect(peer.readMessage()).rejects.toMatchObject({ code: 'ERR_POOL_PEER_LOST' });
    await expect(over).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('tells by a reset, behind its FIN, that what TCP goes on sending comes too late', async () => {
    const { client, got, peer, over } = await linked(200);
    await peer.write('the last answer');
    const end = ended(client);
    await peer.close();
    await end;
    expect(got()).toBe('the last answer');
    // A socket of Node hears of a reset behind a FIN only when it writes.
    const writing = setInterval(() => client.write('too late'), 10);
    await closed(client);
    clearInterval(writing);
    expect(client.errored).toMatchObject({ code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/) as string });
    await expect(over).rejects.toThrow('bytes from TCP came when the POOL session was over, and were dropped');
  });

  it('does not wait for ever for a FIN of TCP', async () => {
    const { client, peer, over } = await linked(100);
    await peer.close();
    await over;
    client.end();
    await closed(client);
  });

  it('ends in good order when it is cut while idle', async () => {
    const { client, peer, over, cut } = await linked();
    client.write('x');
    expect(text(await peer.readMessage())).toBe('x');
    await new Promise((resolve) => setTimeout(resolve, 1100)); // idle is a second without a byte
    const end = ended(client);
    cut.abort();
    expect(await peer.readMessage()).toBeNull();
    await end;
    await over;
  });

  it('breaks both sides off when it is cut under way', async () => {
    const { client, peer, over, cut } = await linked();
    client.write('x');
    expect(text(await peer.readMessage())).toBe('x');
    const close = closed(client);
    cut.abort();
    await expect(peer.readMessage()).rejects.toMatchObject({ code: 'ERR_POOL_PEER_LOST' });
    await close;
    expect(client.errored).toMatchObject({ code: 'ECONNRESET' });
    await expect(over).rejects.toThrow('the bridge was stopped');
  });

  it('makes a fast side wait for a slow one, each way', async () => {
    const { client, peer, passed } = await linked();
    client.pause();
    void peer.write(Buffer.alloc(128_000_000)).catch(() => undefined);
    await standsStill(() => passed.toTcp);
    expect(passed.toTcp).toBeLessThan(64_000_000);
    client.write(Buffer.alloc(128_000_000));
    await standsStill(() => passed.toPool);
    expect(passed.toPool).toBeLessThan(64_000_000);
    peer.destroy();
  });
});

/** Waits until a number that grows has not grown for a while. */
async function standsStill(count: () => number): Promise<void> {
  let last = -1;
  for (let still = 0; still < 10; ) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    still = count() === last && last > 0 ? still + 1 : 0;
    last = count();
  }
}
