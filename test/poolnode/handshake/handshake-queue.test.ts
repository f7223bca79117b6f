import { describe, expect, it } from 'vitest';
import { monotonicClock } from '../../../src/poolnode/clock.js';
import type { Entrant } from '../../../src/poolnode/handshake/admission.js';
import { HandshakeQueue } from '../../../src/poolnode/handshake/handshake-queue.js';

const MS = 1_000_000n;

/** Keeps the process alive while `promise` is pending: the door's own timer does not. */
async function alive<T>(promise: Promise<T>): Promise<T> {
  const timer = setInterval(() => {}, 1000);
  try {
    return await promise;
  } finally {
    clearInterval(timer);
  }
}

const nobody: Entrant = { start: () => {}, refused: () => {} };

describe('HandshakeQueue', () => {
  it('lets a waiting handshake in when its time comes, without being asked', async () => {
    const door = new HandshakeQueue(monotonicClock, { busyAbove: 0, rate: 100, burst: 1 });
    door.challenged(door.enter('192.0.2.2', nobody));
    const begun = monotonicClock();
    door.enter('192.0.2.1', nobody);
    const late = new Promise<bigint>((resolve) => {
      door.enter('192.0.2.1', { ...nobody, start: () => resolve(monotonicClock()) });
    });
    expect((await alive(late)) - begun).toBeGreaterThanOrEqual(10n * MS);
  });

  it('ends the silent one when its time is over, and says why', async () => {
    const door = new HandshakeQueue(monotonicClock, { initTimeout: 20 });
    const begun = monotonicClock();
    const [reason, code] = await alive(
      new Promise<[string, string]>((resolve) => {
        door.enter('192.0.2.1', { ...nobody, refused: (why, error) => resolve([why, error.code]) });
      }),
    );
    expect([reason, code]).toEqual(['handshake-failed', 'ERR_POOL_TIMEOUT']);
    expect(monotonicClock() - begun).toBeGreaterThanOrEqual(20n * MS);
  });

  it('lets what a process that stood still may not have read yet come first', async () => {
    const door = new HandshakeQueue(monotonicClock, { initTimeout: 300, timeout: 60_000 });
    const refused: string[] = [];
    const ticket = door.enter('192.0.2.1', { ...nobody, refused: (why) => refused.push(why) });
    await new Promise((resolve) => setTimeout(resolve, 5));
    const until = monotonicClock() + 400n * MS;
    while (monotonicClock() < until);
    // INIT was there all the time, and is read in the turn after the timer's. An immediate, for a timer may be a turn late.
    await new Promise((resolve) => setImmediate(resolve));
    door.challenged(ticket);
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(refused).toEqual([]);
    door.leave(ticket);
  });

  it('knows when to ask for harder puzzles', () => {
    const door = new HandshakeQueue(monotonicClock, { busyAbove: 1 });
    door.challenged(door.enter('192.0.2.1', nobody));
    expect(door.difficulty).toBe(8);
    const ticket = door.enter('192.0.2.2', nobody);
    door.challenged(ticket);
    expect(door.difficulty).toBe(16);
    door.leave(ticket);
    expect(door.difficulty).toBe(8);
  });
});
