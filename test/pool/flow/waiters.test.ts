import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Waiter, Waiters } from '../../../src/pool/flow/waiters.js';

const line = (): Waiters<string> => new Waiters<string>({ timedOut: ({ op }) => new Error(`${op} timed out`) });
const settle = (promises: Promise<string>[]): Promise<unknown[]> =>
  Promise.all(promises.map((promise) => promise.catch((error: unknown) => (error as Error).message)));

describe('operations that wait', () => {
  it('are served in their order', async () => {
    const waiters = line();
    const promises = ['a', 'b', 'c'].map((op) => waiters.add(new Waiter(op)));
    const order: string[] = [];
    for (let first = waiters.first; first !== null; first = waiters.first) {
      order.push(first.op);
      waiters.resolve(first, first.op.toUpperCase());
    }
    expect(order).toEqual(['a', 'b', 'c']);
    expect(await Promise.all(promises)).toEqual(['A', 'B', 'C']);
    expect(waiters.empty).toBe(true);
  });

  it.each([0, 1, 2])('close up when a signal takes out number %i', async (victim) => {
    const waiters = line();
    const controller = new AbortController();
    const promises = [0, 1, 2].map((i) =>
      waiters.add(new Waiter(`${i}`), i === victim ? controller.signal : undefined),
    );
    controller.abort(new Error('enough'));
    const served: string[] = [];
    for (let first = waiters.first; first !== null; first = waiters.first) {
      served.push(first.op);
      waiters.resolve(first, 'served');
    }
    expect(served).toEqual(['0', '1', '2'].filter((op) => op !== `${victim}`));
    expect((await settle(promises))[victim]).toBe('enough');
  });

  it('leave no listener on a signal, and one for all of them while they wait', async () => {
    const waiters = line();
    const { signal } = new AbortController();
    const promises = Array.from({ length: 50 }, () => waiters.add(new Waiter('read'), signal));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    for (let i = 0; i < 49; i++) waiters.resolve(waiters.first!, 'x');
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    waiters.resolve(waiters.first!, 'x');
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    await Promise.all(promises);
  });

  it('end by one signal all that have it, and no other', async () => {
    const waiters = line();
    const controller = new AbortController();
    const promises = [0, 1, 2, 3].map((i) =>
      waiters.add(new Waiter('read'), i % 2 === 0 ? controller.signal : undefined),
    );
    controller.abort(new Error('enough'));
    waiters.rejectAll(() => new Error('the end'));
    expect(await settle(promises)).toEqual(['enough', 'the end', 'enough', 'the end']);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });

  it('end in their order when the deadline passes, each with an error of its own', async () => {
    const waiters = line();
    const promises = ['a', 'b'].map((op) => waiters.add(new Waiter(op)));
    waiters.deadline.set(0);
    expect(await settle(promises)).toEqual(['a timed out', 'b timed out']);
    expect(waiters.empty).toBe(true);
  });

  it('let their owner decide what a cancellation means', async () => {
    const waiters: Waiters<string> = new Waiters<string>({
      timedOut: () => new Error('late'),
      abandon: (waiter) => waiters.resolve(waiter, 'was under way'),
    });
    const promise = waiters.add(new Waiter('write'));
    waiters.deadline.set(0);
    expect(await promise).toBe('was under way');
  });
});
