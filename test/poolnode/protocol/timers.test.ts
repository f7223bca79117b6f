import { describe, expect, it } from 'vitest';
import { VERDICT_GRACE_NS } from '../../../src/poolnode/protocol/constants.js';
import { Timer, Timers } from '../../../src/poolnode/protocol/timers.js';

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
