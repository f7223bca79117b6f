import { describe, expect, it } from 'vitest';
import { repeat } from '../../../src/cli/screen/repeat.js';

describe('a beat', () => {
  it('comes at once, and as often as asked', async () => {
    const beats: number[] = [];
    await repeat(
      { intervalMs: 1, stop: new AbortController().signal, count: 3 },
      async (beat) => void beats.push(beat),
    );
    expect(beats).toEqual([0, 1, 2]);
  });

  it('ends with its signal, also while it waits an hour', async () => {
    const stop = new AbortController();
    let beats = 0;
    await repeat({ intervalMs: 3_600_000, stop: stop.signal }, async () => {
      beats += 1;
      setImmediate(() => stop.abort());
    });
    expect(beats).toBe(1);
    await repeat({ intervalMs: 1, stop: stop.signal }, async () => void (beats += 1));
    expect(beats).toBe(1);
  });

  it('ends when the work says so, and fails as the work does', async () => {
    const stop = new AbortController().signal;
    let beats = 0;
    await repeat({ intervalMs: 1, stop }, async () => (beats += 1) < 3);
    expect(beats).toBe(3);
    const failing = repeat({ intervalMs: 1, stop }, async () => Promise.reject(new Error('no table')));
    await expect(failing).rejects.toThrow('no table');
  });
});
