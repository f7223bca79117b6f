import { describe, expect, it } from 'vitest';
import { ChannelSet } from '../../../src/poolnode/session/channel-set.js';

const OUT_OF_RANGE = expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }) as Error;

describe('ChannelSet', () => {
  it.each([0, 1, 7, 8, 200, 255])('shows channel %d as bit c mod 8 of byte c / 8', (channel) => {
    const set = new ChannelSet();
    set.add(channel);
    const expected = new Uint8Array(32);
    expected[channel >> 3] = 1 << (channel % 8);
    expect(set.toBytes()).toEqual(expected);
    set.delete(channel);
    expect(set.toBytes()).toEqual(new Uint8Array(32));
  });

  it('gives a copy out', () => {
    const set = new ChannelSet();
    set.toBytes().fill(255);
    expect(set.toBytes()).toEqual(new Uint8Array(32));
  });

  it.each([-1, 256, 1.5, NaN])('refuses channel %d', (channel) => {
    const set = new ChannelSet();
    expect(() => set.add(channel)).toThrow(OUT_OF_RANGE);
    expect(() => set.delete(channel)).toThrow(OUT_OF_RANGE);
  });
});
