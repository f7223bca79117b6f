import { describe, expect, it } from 'vitest';
import { PacketWatch } from '../../../src/poolnode/protocol/packet-watch.js';
import { Timer, Timers } from '../../../src/poolnode/protocol/timers.js';

describe('PacketWatch', () => {
  it('runs from the first byte, and no further byte extends it', () => {
    const timers = new Timers();
    const watch = new PacketWatch(timers, 30n);
    watch.waiting(false, 1n);
    expect(timers.deadline(Timer.Packet)).toBeNull();
    watch.waiting(true, 2n);
    watch.waiting(true, 20n);
    expect(timers.deadline(Timer.Packet)).toBe(32n);
  });

  it('starts over with the next packet', () => {
    const timers = new Timers();
    const watch = new PacketWatch(timers, 30n);
    watch.waiting(true, 2n);
    watch.completed();
    expect(timers.deadline(Timer.Packet)).toBeNull();
    watch.waiting(true, 50n);
    expect(timers.deadline(Timer.Packet)).toBe(80n);
  });
});
