import { describe, expect, it } from 'vitest';
import { LoadGate } from '../../src/base/load-gate.js';

/** The gate as a thread that loads and as whoever ends it has it. */
function gate(): { thread: LoadGate; other: LoadGate } {
  const other = new LoadGate();
  return { other, thread: new LoadGate(other.shared) };
}

/** A load under way, and its ends. */
function loading(thread: LoadGate): { loaded: Promise<string>; end: () => void; fail: (error: Error) => void } {
  let ends!: { end: () => void; fail: (error: Error) => void };
  const load = new Promise<string>((resolve, reject) => (ends = { end: () => resolve('koffi'), fail: reject }));
  return { loaded: thread.load(() => load), ...ends };
}

describe('a thread that loads while it is to be ended', () => {
  it('is waited for', async () => {
    const { thread, other } = gate();
    const { loaded, end } = loading(thread);
    expect(other.shut(1)).toBe(false);
    end();
    expect(await loaded).toBe('koffi');
    expect(other.shut(0)).toBe(true);
  });

  it('is waited for also where loading fails, and another still loads', async () => {
    const { thread, other } = gate();
    const one = loading(thread);
    const two = loading(thread);
    one.fail(new Error('no koffi'));
    await expect(one.loaded).rejects.toThrow('no koffi');
    expect(other.shut(1)).toBe(false);
    two.end();
    await two.loaded;
    expect(other.shut(0)).toBe(true);
  });

  it('does not begin once the gate is shut, and is not waited for', async () => {
    const { thread, other } = gate();
    expect(other.shut(10_000)).toBe(true);
    let begun = false;
    void thread.load(async () => (begun = true));
    await new Promise(setImmediate);
    expect(begun).toBe(false);
    expect(other.shut(10_000)).toBe(true);
  });
});
