import { describe, expect, it } from 'vitest';
import { monotonicClock } from '../../src/poolnode/clock.js';
import { HandshakeDoor } from '../../src/poolnode/handshake-door.js';

describe('HandshakeDoor', () => {
  it('lets a waiting handshake in when its time comes, without being asked', async () => {
    // The door's own timer holds no process; this one holds the test's.
    const alive = setInterval(() => {}, 1000);
    const door = new HandshakeDoor(monotonicClock, { busyAbove: 0, rate: 100, burst: 1 });
    const begun = monotonicClock();
    expect(door.enter('192.0.2.1', () => {})).not.toBeNull();
    const late = await new Promise<bigint>((resolve) => {
      door.enter('192.0.2.1', () => resolve(monotonicClock()));
    });
    clearInterval(alive);
    expect(late - begun).toBeGreaterThanOrEqual(9_000_000n);
  });

  it('knows when to ask for harder puzzles', () => {
    const door = new HandshakeDoor(monotonicClock, { busyAbove: 1 });
    door.enter('192.0.2.1', () => {});
    expect(door.difficulty).toBe(8);
    const ticket = door.enter('192.0.2.2', () => {})!;
    expect(door.difficulty).toBe(16);
    door.leave(ticket);
    expect(door.difficulty).toBe(8);
  });
});
