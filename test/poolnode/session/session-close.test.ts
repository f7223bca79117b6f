import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/base/errors.js';
import type { nodeTimers } from '../../../src/base/timers.js';
import { beginClosing, linger } from '../../../src/poolnode/session/session-close.js';
import { codeOf, rawConnection, rawServer } from '../conversation.js';

describe('beginClosing', () => {
  it('settles once, and does not expire after that', async () => {
    let expired = 0;
    const closing = beginClosing(10, () => expired++);
    closing.settle();
    closing.settle(new PoolError('ERR_POOL_TIMEOUT', 'too late to matter'));
    await closing.promise;
    const later = beginClosing(30, () => later.settle(new PoolError('ERR_POOL_TIMEOUT', 'over')));
    expect(await codeOf(later.promise)).toBe('ERR_POOL_TIMEOUT');
    expect(expired).toBe(0);
  });

  it('rejects with the error it is settled with', async () => {
    const closing = beginClosing(1000, () => {});
    closing.settle(new PoolError('ERR_POOL_CLOSED', 'destroyed'));
    expect(await codeOf(closing.promise)).toBe('ERR_POOL_CLOSED');
  });

  it('takes any time for its timeout, also beyond what timers take', async () => {
    let expired = false;
    const closings = [Infinity, 2 ** 40].map((timeout) => beginClosing(timeout, () => (expired = true)));
    // Node fires a timer that is too long after 1 ms; this one comes after that.
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(expired).toBe(false);
    for (const closing of closings) closing.settle();
  });
});

describe('linger', () => {
  it('discards input and ends with the peer’s FIN', async () => {
    const port = await rawServer((socket) => {
      socket.write(Buffer.alloc(100_000));
      socket.once('end', () => socket.end());
      socket.resume();
    });
    const socket = await rawConnection(port);
    socket.end();
    const keep = setInterval(() => {}, 1000);
    linger(socket);
    await once(socket, 'close');
    clearInterval(keep);
    expect(socket.bytesRead).toBe(100_000);
    expect(socket.readableEnded).toBe(true);
  });

  it('holds no timer once the socket is closed', async () => {
    const running = new Set<NodeJS.Timeout>();
    const timers = {
      setTimeout: ((fire: () => void, ms?: number) => {
        const timer = setTimeout(fire, ms);
        running.add(timer);
        return timer;
      }) as typeof nodeTimers.setTimeout,
      clearTimeout: ((timer: NodeJS.Timeout) => {
        running.delete(timer);
        clearTimeout(timer);
      }) as typeof nodeTimers.clearTimeout,
    };
    const port = await rawServer((socket) => void socket.resume().once('end', () => socket.end()));
    const socket = await rawConnection(port);
    socket.end();
    linger(socket, timers);
    expect(running.size).toBe(1);
    socket.ref();
    await once(socket, 'close');
    expect(running.size).toBe(0);
  });

  it('ends without it after 1 s', async () => {
    const port = await rawServer((socket) => void socket.resume());
    const socket = await rawConnection(port);
    socket.end();
    const begun = process.hrtime.bigint();
    const keep = setInterval(() => {}, 1000);
    linger(socket);
    await once(socket, 'close');
    clearInterval(keep);
    expect(Number(process.hrtime.bigint() - begun) / 1e6).toBeGreaterThan(900);
    expect(socket.readableEnded).toBe(false);
  });
});
