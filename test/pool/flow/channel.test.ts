import { inspect } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { PoolError } from '../../../src/base/errors.js';
import { openConn } from '../../../src/pool/flow/session-conn.js';
import { pipe } from '../../../src/testing/index.js';
import { memorySessions } from '../../../src/testing/memory-session.js';

const options = {
  backend: 'user' as const,
  readQueueBytes: 1 << 20,
  writeQueueBytes: 1 << 20,
  idleTimeout: 0,
  channels: [],
};

function setUp() {
  const [own, peer] = memorySessions({ wireBytes: 1000 });
  const calls: string[] = [];
  for (const call of ['subscribe', 'unsubscribe'] as const) {
    const real = own[call].bind(own);
    vi.spyOn(own, call).mockImplementation(async (channel) => {
      calls.push(`${call} ${channel}`);
      await real(channel);
      calls.push(`${call}d ${channel}`);
    });
  }
  return { own, peer, calls, conn: openConn(own, options) };
}

describe('a channel', () => {
  it('asks the backend once for each opening, and once for each close', async () => {
    const { conn, calls } = setUp();
    const [a] = await Promise.all([conn.openChannel(5), conn.openChannel(5)]);
    await a.close();
    await a.close();
    await conn.openChannel(5);
    expect(calls).toEqual([
      'subscribe 5',
      'subscribed 5',
      'unsubscribe 5',
      'unsubscribed 5',
      'subscribe 5',
      'subscribed 5',
    ]);
  });

  it('that is opened again while it closes stays subscribed', async () => {
    const { conn, own } = setUp();
    const a = await conn.openChannel(5);
    const closing = a.close();
    const b = await conn.openChannel(5);
    await closing;
    expect(b).not.toBe(a);
    expect([...own.channels]).toEqual([5]);
    expect([a.state, b.state]).toEqual(['closed', 'open']);
  });

  it('that the backend refuses is not open, and can be asked for again', async () => {
    const { conn, own } = setUp();
    vi.spyOn(own, 'subscribe').mockRejectedValueOnce(new PoolError('ENOENT', 'the device has no such session'));
    await expect(conn.openChannel(5)).rejects.toMatchObject({
      code: 'ENOENT',
      message: 'openChannel pool 127.0.0.1:9253: the device has no such session',
    });
    await expect(conn.openChannel(5)).resolves.toMatchObject({ state: 'open' });
  });

  it('whose close the peer holds up times out, and only it is destroyed', async () => {
    const { conn } = setUp();
    const channel = await conn.openChannel(5);
    const write = channel.write(new Uint8Array(500_000)).catch((error: unknown) => error);
    await expect(channel.close({ closeTimeout: 20 })).rejects.toMatchObject({
      code: 'ERR_POOL_TIMEOUT',
      timeout: true,
    });
    expect(await write).toMatchObject({ code: 'ERR_POOL_CLOSED' });
    expect([channel.state, conn.state]).toEqual(['closed', 'open']);
  });

  it('that is closed counts what it discards, and the next of its number starts anew', async () => {
    const { conn, peer } = setUp();
    const closed = await conn.openChannel(5);
    await closed.close();
    for (let i = 0; i < 3; i++) peer.send(5, Buffer.from('lost'), () => {});
    await vi.waitFor(() => expect(closed.discardedMessages).toBe(3));
    const open = await conn.openChannel(5);
    peer.send(5, Buffer.from('kept'), () => {});
    expect(Buffer.from((await open.readMessage())!).toString()).toBe('kept');
    expect([open.discardedMessages, closed.discardedMessages, conn.readableLength]).toEqual([0, 3, 0]);
  });

  it('that is destroyed tells why', async () => {
    const { conn } = setUp();
    const channel = await conn.openChannel(5);
    const reason = new Error('no more');
    const read = channel.readMessage().catch((error: unknown) => error);
    channel.destroy(reason);
    expect(await read).toMatchObject({ code: 'ERR_POOL_CLOSED', cause: reason });
    expect(await channel.closed).toMatchObject({ by: 'error', error: { cause: reason } });
    expect(conn.state).toBe('open');
  });

  it.each(['close', 'destroy'] as const)(
    "ends by its Conn's %s also where the peer had ended the session, with what it holds and its stream",
    async (how) => {
      const [conn, peer] = pipe();
      const [channel, there] = await Promise.all([conn.openChannel(5), peer.openChannel(5)]);
      await there.writeMessage('x');
      await peer.close();
      await conn.closed;
      expect(channel.readableLength).toBe(1);
      const stream = channel.toDuplex();
      const closed = new Promise((resolve) => stream.once('close', resolve));
      await conn[how]();
      await expect(channel.readMessage()).rejects.toMatchObject({ code: 'ERR_POOL_CLOSED' });
      await closed;
      expect(conn.channels).toEqual([]);
      expect(await channel.closed).toEqual({ by: 'remote' });
    },
  );

  it('is one line when it is inspected', async () => {
    const { conn } = setUp();
    const channel = await conn.openChannel(5);
    expect(inspect(channel)).toBe('Channel { 5, user 127.0.0.1:1 -> 127.0.0.1:9253, session 0, open }');
  });
});
