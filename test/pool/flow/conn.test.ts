import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { PoolError } from '../../../src/base/errors.js';
import type { Conn } from '../../../src/pool/flow/conn.js';
import { openConn, type ConnOptions } from '../../../src/pool/flow/session-conn.js';
import { type MemoryPairOptions, type MemorySession, memorySessions } from '../../../src/testing/memory-session.js';
import { pipe } from '../../../src/testing/index.js';
import { globalTimers } from '../../global-timers.js';

const defaults: ConnOptions = {
  backend: 'user',
  readQueueBytes: 1 << 20,
  writeQueueBytes: 1 << 20,
  idleTimeout: 0,
  channels: [],
};

/** A Conn on one end of a session, and the bare other end. */
function connTo(
  options: Partial<ConnOptions> = {},
  pair: MemoryPairOptions = {},
): { conn: Conn; peer: MemorySession; own: MemorySession } {
  const [own, peer] = memorySessions(pair);
  return { conn: openConn(own, { ...defaults, ...options }), peer, own };
}

const nothing = (): void => {};
const text = (data: Uint8Array | null): string => Buffer.from(data!).toString();
const send = (session: MemorySession, channel: number, data: string): void => {
  session.send(channel, Buffer.from(data), nothing);
};

describe('receiving', () => {
  it('starts one turn after the Conn was made, so that a channel opened in this turn is not late', async () => {
    const [own, peer] = memorySessions();
    send(peer, 5, 'for five');
    send(peer, 6, 'for nobody');
    await turn();
    await turn();
    const conn = openConn(own, defaults);
    await Promise.resolve();
    const five = await conn.openChannel(5);
    expect(text(await five.readMessage())).toBe('for five');
    expect(text(await conn.readMessage())).toBe('for nobody');
  });

  it('is in time for a channel even when the backend takes its time to subscribe', async () => {
    const [own, peer] = memorySessions();
    let subscribed = nothing;
    own.subscribe = () => new Promise((resolve) => (subscribed = resolve));
    send(peer, 5, 'for five');
    const conn = openConn(own, defaults);
    const opening = conn.openChannel(5);
    await vi.waitFor(() => expect(conn.bytesRead + conn.readableLength).toBe(0));
    for (let i = 0; i < 5; i++) await turn();
    subscribed();
    expect(text(await (await opening).readMessage())).toBe('for five');
  });

  it('has the channels of the options open before the first message', async () => {
    const { conn, peer, own } = connTo({ channels: [5, 9] });
    send(peer, 9, 'for nine');
    const nine = await conn.openChannel(9);
    expect(text(await nine.readMessage())).toBe('for nine');
    expect([...own.channels]).toEqual([5, 9]);
  });

  it('stops at readQueueBytes over all channels, and goes on', async () => {
    const { conn, peer } = connTo({ readQueueBytes: 10_000, channels: [5] }, { wireBytes: 1000 });
    const five = await conn.openChannel(5);
    let sent = 0;
    const fill = (): void => {
      while (peer.send(sent % 2 === 0 ? 0 : 5, new Uint8Array(900), nothing) && sent < 100) sent += 1;
      sent += 1;
    };
    peer.start({ message: () => true, drain: fill, end: nothing });
    fill();
    for (let i = 0; i < 30; i++) await turn();
    const stoppedAt = sent;
    expect(conn.readableLength + five.readableLength).toBeLessThanOrEqual(10_900);
    expect(stoppedAt).toBeLessThan(20);
    // A channel that nobody reads stops the others; reading it lets them go on.
    while (five.readableLength > 0) await five.readMessages();
    while (conn.readableLength > 0) await conn.readMessages();
    for (let i = 0; i < 10; i++) await turn();
    expect(sent).toBeGreaterThan(stoppedAt);
  });

  it('goes on while a close waits for a peer that itself is full', async () => {
    const [a, b] = pipe({ readQueueBytes: 1000, wireBytes: 1000 });
    const back = b.write(new Uint8Array(2_000_000)).catch((error: unknown) => error);
    const forth = a.write(new Uint8Array(2_000_000));
    for (let i = 0; i < 20; i++) await turn();
    const closing = a.close();
    while ((await b.readMessages()) !== null);
    await closing;
    expect(await forth).toBe(2_000_000);
    expect(await back).toMatchObject({ code: 'ERR_POOL_NOT_ESTABLISHED' });
  });
});

describe('sending', () => {
  it('is not stopped by a drain that came before receiving had started', async () => {
    const [own, peer] = memorySessions({ wireBytes: 100 });
    const got: number[] = [];
    peer.start({ message: (_channel, data) => got.push(data.length) > 0, drain: nothing, end: nothing });
    const drained = vi.fn();
    const start = own.start.bind(own);
    // The backend drains at once; the handler comes long after.
    own.start = (handler) => {
      setTimeout(() => start({ ...handler, drain: drained }), 20);
    };
    const conn = openConn(own, defaults);
    const writes = [conn.writeMessage(new Uint8Array(200)), conn.writeMessage('x')];
    await Promise.all(writes);
    await vi.waitFor(() => expect(got).toEqual([200, 1]));
  });
});

describe('the idle timeout', () => {
  it('closes a session on which nothing moved, and tells both sides', async () => {
    const { conn, peer } = connTo({ idleTimeout: 20 });
    const ended = new Promise((end) => peer.start({ message: () => true, drain: nothing, end }));
    const read = conn.readMessage().catch((error: unknown) => error);
    expect(await read).toMatchObject({ code: 'ERR_POOL_TIMEOUT', timeout: true });
    expect(await conn.closed).toMatchObject({ by: 'error', error: { code: 'ERR_POOL_TIMEOUT' } });
    expect(await ended).toEqual({ by: 'remote' });
  });

  it('begins anew with every message of either side', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const { conn, peer } = connTo({ idleTimeout: 1000, timers: globalTimers });
      peer.start({ message: () => true, drain: nothing, end: nothing });
      for (let i = 0; i < 4; i++) {
        vi.advanceTimersByTime(900);
        if (i % 2 === 0) await conn.writeMessage('x');
        else {
          send(peer, 0, 'y');
          await conn.readMessage();
        }
      }
      expect(conn.state).toBe('open');
      vi.advanceTimersByTime(1000);
      expect(conn.state).toBe('closed');
    } finally {
      vi.useRealTimers();
    }
  });

  it('runs while this side reads nothing when nothing goes out either', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const { conn, peer, own } = connTo({ idleTimeout: 1000, readQueueBytes: 100, timers: globalTimers });
      send(peer, 0, 'more than the bound, with what a message costs');
      while (conn.readableLength === 0) await turn();
      vi.spyOn(own, 'send').mockReturnValue(false);
      conn.writeMessage('never taken').catch(() => undefined);
      vi.advanceTimersByTime(2000);
      expect(conn.state).toBe('closed');
    } finally {
      vi.useRealTimers();
    }
  });

  it('does not run while this side reads nothing', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const { conn, peer } = connTo({ idleTimeout: 1000, readQueueBytes: 100, timers: globalTimers });
      send(peer, 0, 'more than the bound, with what a message costs');
      while (conn.readableLength === 0) await turn();
      vi.advanceTimersByTime(10_000);
      expect(conn.state).toBe('open');
      await conn.readMessage();
      vi.advanceTimersByTime(2000);
      expect(conn.state).toBe('closed');
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('the end', () => {
  it('is told to the owner once', async () => {
    const onClose = vi.fn();
    const { conn, own } = connTo({ onClose });
    await conn.close();
    conn.destroy(new Error('late'));
    await conn.close();
    await turn();
    expect(onClose.mock.calls).toEqual([[{ by: 'local' }]]);
    expect((await conn.closed).by).toBe('local');
    expect(own.id).toBe(conn.id);
  });

  it("carries the session's error, with the address, and gives what was queued first", async () => {
    const { conn, peer } = connTo();
    send(peer, 0, 'before');
    const cause = new PoolError('ERR_POOL_AUTH_FAILED', "a packet was not the peer's");
    peer.breakWire(cause);
    const { by, error } = await conn.closed;
    expect([by, error?.code, error?.message]).toEqual([
      'error',
      'ERR_POOL_AUTH_FAILED',
      "pool 127.0.0.1:9253: a packet was not the peer's",
    ]);
    expect(text(await conn.readMessage())).toBe('before');
    await expect(conn.readMessage()).rejects.toMatchObject({ code: 'ERR_POOL_AUTH_FAILED', address: '127.0.0.1' });
    await expect(conn.openChannel(1)).rejects.toMatchObject({ code: 'ERR_POOL_AUTH_FAILED' });
  });

  it('before receiving has started leaves the session alone', async () => {
    const [own] = memorySessions();
    const start = vi.spyOn(own, 'start');
    const conn = openConn(own, defaults);
    conn.destroy();
    await turn();
    expect(start).not.toHaveBeenCalled();
    await expect(conn.readMessage()).rejects.toMatchObject({ code: 'ERR_POOL_CLOSED' });
  });

  it('of a close that fails because the session did is that error', async () => {
    const { conn, peer } = connTo({}, { wireBytes: 10 });
    const write = conn.write(new Uint8Array(200_000)).catch((error: unknown) => error);
    const close = conn.close().catch((error: unknown) => error);
    await turn();
    peer.start({ message: () => true, drain: nothing, end: nothing });
    peer.destroy();
    expect(await close).toMatchObject({ code: 'ERR_POOL_PEER_LOST', syscall: 'close' });
    expect(await write).toMatchObject({ code: 'ERR_POOL_PEER_LOST', syscall: 'write' });
  });
});

describe('keys, stalls and figures', () => {
  it('pass through from and to the session', async () => {
    const [own] = memorySessions();
    const onRekey = vi.fn();
    const onStall = vi.fn();
    const start = vi.spyOn(own, 'start');
    const ref = vi.spyOn(own, 'ref');
    const unref = vi.spyOn(own, 'unref');
    const conn = openConn(own, { ...defaults, onRekey, onStall });
    await turn();
    const [handler] = start.mock.calls[0]!;
    handler.rekeyed?.(3);
    handler.stalled?.(8000);
    expect([onRekey.mock.calls, onStall.mock.calls]).toEqual([[[3]], [[8000]]]);
    expect(conn.unref().ref()).toBe(conn);
    expect([unref.mock.calls.length, ref.mock.calls.length]).toEqual([1, 1]);
  });

  it('of a session that is gone from the table say so', async () => {
    const { conn, peer } = connTo();
    peer.destroy();
    await conn.closed;
    await expect(conn.telemetry()).rejects.toMatchObject({
      code: 'ERR_POOL_NOT_ESTABLISHED',
      message: 'telemetry pool 127.0.0.1:9253: the session is not in the table',
    });
  });
});

describe('errors', () => {
  it('that one call hands to another name operation and address once', async () => {
    const { conn } = connTo({}, { wireBytes: 100, maxMessageSize: 100 });
    const write = conn.write(new Uint8Array(1000)).catch((error: unknown) => error);
    await expect(conn.close({ closeTimeout: 1 })).rejects.toMatchObject({ code: 'ERR_POOL_TIMEOUT' });
    expect(await write).toMatchObject({
      code: 'ERR_POOL_TIMEOUT',
      message: "write pool 127.0.0.1:9253: the peer didn't take what was written within 1 ms",
    });
  });

  it('of bad arguments name operation and address as well', async () => {
    const { conn } = connTo();
    const five = await conn.openChannel(5);
    const at = 'pool 127.0.0.1:9253';
    for (const [call, message] of [
      [conn.writeMessage(''), `writeMessage ${at}: a message has at least one byte`],
      [
        five.write(5 as never),
        `write ${at} channel 5: data is bytes (an ArrayBuffer or a view of bytes) or a string, not 5`,
      ],
      [conn.openChannel(256), `openChannel ${at}: a channel is 1 to 255, not 256; channel 0 is the Conn itself`],
    ] as const) {
      const error = await (call as Promise<unknown>).catch((reason: unknown) => reason as PoolError);
      expect(error).toMatchObject({ message, address: '127.0.0.1', port: 9253 });
      expect((error as PoolError).stack?.split('\n')[1]).toContain('conn.test.ts');
    }
  });

  it('of destroy start their stack where it was called', async () => {
    const { conn } = connTo();
    conn.destroy(new Error('because'));
    const { error } = await conn.closed;
    expect(error?.stack?.split('\n')[1]).toContain('conn.test.ts');
  });
});
