import { describe, expect, it } from 'vitest';
import { VERDICT_GRACE_NS } from '../../../src/poolnode/protocol/constants.js';
import { nextHeartbeat, Timer, Timers } from '../../../src/poolnode/protocol/timers.js';

const SECOND = 1_000_000_000n;

describe('heartbeats', () => {
  it('of sessions that began within a quarter of a second are due at once, none later than its interval', () => {
    const began = [100n * SECOND, 100n * SECOND + 1n, 100n * SECOND + SECOND / 4n - 1n];
    expect(began.map((now) => nextHeartbeat(now, 5n * SECOND))).toEqual(Array(3).fill(105n * SECOND));
    expect(nextHeartbeat(100n * SECOND + SECOND / 4n, 5n * SECOND)).toBe(105n * SECOND + SECOND / 4n);
  });

  it('keep their interval when a timer fires late, and stay together', () => {
    expect(nextHeartbeat(105n * SECOND + 3_000_000n, 5n * SECOND)).toBe(110n * SECOND);
    expect(nextHeartbeat(105n * SECOND + 90_000_000n, 5n * SECOND)).toBe(110n * SECOND);
  });

  it('of an interval too short to be shared are due when it is over', () => {
    expect(nextHeartbeat(103n, 19n)).toBe(122n);
  });
});

describe('Timers', () => {
  it('names the earliest deadline', () => {
    const timers = new Timers();
    expect(timers.next()).toBeNull();
    timers.set(Timer.Rekey, 50n);
    timers.set(Timer.Heartbeat, 20n);
    expect(timers.next()).toBe(20n);
    timers.set(Timer.Heartbeat, 70n);
    expect(timers.next()).toBe(50n);
    timers.stop(Timer.Rekey);
    expect(timers.next()).toBe(70n);
    timers.stopAll();
    expect(timers.next()).toBeNull();
  });

  it('expires a timer once, at its deadline and not before', () => {
    const timers = new Timers();
    timers.set(Timer.Heartbeat, 20n);
    expect(timers.expired(Timer.Heartbeat, 19n)).toBe(false);
    expect(timers.expired(Timer.Heartbeat, 20n)).toBe(true);
    expect(timers.expired(Timer.Heartbeat, 21n)).toBe(false);
  });

  it('lets the socket be read once more before it judges the peer', () => {
    const timers = new Timers();
    timers.set(Timer.PeerLiveness, 20n);
    expect(timers.expired(Timer.PeerLiveness, 1_000n)).toBe(false);
    expect(timers.next()).toBe(1_000n + VERDICT_GRACE_NS);
    expect(timers.expired(Timer.PeerLiveness, 1_000n + VERDICT_GRACE_NS)).toBe(true);
  });

  it('forgets the warning when the timer is set anew', () => {
    const timers = new Timers();
    timers.set(Timer.Fragments, 20n);
    timers.expired(Timer.Fragments, 30n);
    timers.set(Timer.Fragments, 40n);
    expect(timers.expired(Timer.Fragments, 50n)).toBe(false);
  });

  it('stands still for the judging ones while nothing is read, and for no others', () => {
    const timers = new Timers();
    timers.set(Timer.PeerLiveness, 20n);
    timers.set(Timer.Heartbeat, 30n);
    timers.pause(10n);
    expect(timers.next()).toBe(30n);
    expect(timers.expired(Timer.PeerLiveness, 1_000n)).toBe(false);
    expect(timers.expired(Timer.Heartbeat, 1_000n)).toBe(true);
    timers.pause(500n);
    expect(timers.resume(1_010n)).toBe(1_000n);
    expect(timers.deadline(Timer.PeerLiveness)).toBe(1_020n);
    expect(timers.resume(2_000n)).toBe(0n);
  });
});
