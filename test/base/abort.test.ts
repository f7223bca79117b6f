import { describe, expect, it } from 'vitest';
import { onAbort, orAborted } from '../../src/base/abort.js';

/** A signal, and how many listeners it has. */
function counted(): { controller: AbortController; listeners: () => number } {
  const controller = new AbortController();
  const { signal } = controller;
  let count = 0;
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  Object.assign(signal, {
    addEventListener: (...args: Parameters<typeof add>) => (count++, add(...args)),
    removeEventListener: (...args: Parameters<typeof remove>) => (count--, remove(...args)),
  });
  return { controller, listeners: () => count };
}

describe('onAbort', () => {
  it('acts when the signal fires, once, with its reason', () => {
    const { controller, listeners } = counted();
    const reasons: unknown[] = [];
    onAbort(controller.signal, (reason) => reasons.push(reason));
    expect([reasons, listeners()]).toEqual([[], 1]);
    controller.abort('now');
    expect([reasons, listeners()]).toEqual([['now'], 0]);
  });

  it('acts at once on a signal that has fired', () => {
    const reasons: unknown[] = [];
    onAbort(AbortSignal.abort('before'), (reason) => reasons.push(reason))();
    expect(reasons).toEqual(['before']);
  });

  it('has one listener for all that share a signal, and none when the last is done', () => {
    const { controller, listeners } = counted();
    const done = Array.from({ length: 20 }, () => onAbort(controller.signal, () => expect.unreachable()));
    expect(listeners()).toBe(1);
    for (const one of done) one();
    expect(listeners()).toBe(0);
    controller.abort();
  });

  it('does nothing without a signal', () => {
    onAbort(undefined, () => expect.unreachable())();
  });
});

describe('orAborted', () => {
  it('settles as what it waits for, and leaves the signal', async () => {
    const { controller, listeners } = counted();
    await expect(orAborted(Promise.resolve(5), controller.signal)).resolves.toBe(5);
    await expect(orAborted(Promise.reject(new Error('its own')), controller.signal)).rejects.toThrow('its own');
    expect(listeners()).toBe(0);
  });

  it('rejects with the reason, whatever that is, though what goes on never ends', async () => {
    const { controller, listeners } = counted();
    const waiting = orAborted(new Promise(() => {}), controller.signal);
    controller.abort('enough');
    await expect(waiting).rejects.toBe('enough');
    await expect(orAborted(new Promise(() => {}), controller.signal)).rejects.toBe('enough');
    expect(listeners()).toBe(0);
  });
});
