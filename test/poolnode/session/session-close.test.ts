import { EventEmitter, once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/base/errors.js';
import type { nodeTimers } from '../../../src/base/timers.js';
import { MOST_SLOW_READERS } from '../../../src/poolnode/constants.js';
import { beginClosing, linger, lingerForSlowReader } from '../../../src/poolnode/session/session-close.js';
import { TestClock } from '../../../src/testing/virtual-clock.js';
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

describe('lingerForSlowReader', () => {
  /** A socket that was closed on this side, as far as lingering goes. */
  class ClosedHere extends EventEmitter {
    bytesRead = 0;
    destroyed = false;

    destroy(): void {
      this.destroyed = true;
      this.emit('close');
    }

    unref(): void {}

    resume(): void {}
  }

  function lingering(clock: TestClock, others = new Set<Socket>()): ClosedHere {
    const socket = new ClosedHere();
    lingerForSlowReader(socket as unknown as Socket, clock.timers, others);
    return socket;
  }

  it.each<[what: string, secondsOfBytes: number[], end: number]>([
    ['is silent', [], 6],
    ['sent a last word', [3], 12],
    ['goes on until it is silent', [5, 10, 15], 24],
    ['goes on for ever', Array.from({ length: 20 }, (_, i) => 5 * i), 60],
  ])('waits for a peer that %s (%j) for %i s', async (_, seconds, end) => {
    const clock = new TestClock();
    const socket = lingering(clock);
    for (let second = 0; second < end; second++) {
      if (seconds.includes(second)) socket.bytesRead += 128;
      await clock.advance(second + 1 < end ? 1000 : 999);
      expect(socket.destroyed).toBe(false);
    }
    await clock.advance(1);
    expect(socket.destroyed).toBe(true);
  });

  it('ends when the socket does, and leaves its place to others', async () => {
    const clock = new TestClock();
    const others = new Set<Socket>();
    const socket = lingering(clock, others);
    await clock.advance(2000);
    expect(others.size).toBe(1);
    socket.destroy();
    expect(others.size).toBe(0);
    socket.destroyed = false;
    await clock.advance(60_000);
    expect(socket.destroyed).toBe(false);
  });

  it('gives those beyond a number of them 1 s, and a place again when one is free', async () => {
    const clock = new TestClock();
    const others = new Set<Socket>();
    const sockets = Array.from({ length: MOST_SLOW_READERS + 2 }, () => lingering(clock, others));
    const gone = (): number[] => sockets.flatMap(({ destroyed }, i) => (destroyed ? [i] : []));
    await clock.advance(999);
    expect([gone(), others.size]).toEqual([[], 0]);
    await clock.advance(1);
    expect(gone()).toEqual([MOST_SLOW_READERS, MOST_SLOW_READERS + 1]);
    sockets[7]!.destroy();
    const later = lingering(clock, others);
    await clock.advance(2000);
    expect([later.destroyed, others.size]).toEqual([false, MOST_SLOW_READERS]);
  });
});
