import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Deque } from '../../../src/pool/flow/deque.js';
import { fcSeed } from '../seed.js';

describe('a deque', () => {
  it('gives what was pushed in its order, also across its ring', () => {
    // Runs of pushes and shifts: + pushes so many, - shifts so many.
    const runs = fc.array(fc.integer({ min: -40, max: 40 }), { maxLength: 60 });
    fc.assert(
      fc.property(runs, (moves) => {
        const deque = new Deque<number>();
        const model: number[] = [];
        let next = 0;
        for (const move of moves) {
          for (let i = 0; i < move; i++, next++) {
            model.push(next);
            deque.push(next);
          }
          for (let i = 0; i > move; i--) expect(deque.shift()).toBe(model.shift());
          expect(deque.length).toBe(model.length);
          expect(deque.first()).toBe(model[0]);
        }
      }),
      fcSeed('deque', 200),
    );
  });

  it('shifts in constant time', () => {
    const size = 300_000;
    const deque = new Deque<number>();
    for (let i = 0; i < size; i++) deque.push(i);
    let sum = 0;
    for (let item = deque.shift(); item !== undefined; item = deque.shift()) sum += item;
    expect(sum).toBe((size * (size - 1)) / 2);
  }, 2000);

  it('forgets everything when it is cleared', () => {
    const deque = new Deque<string>();
    deque.push('a');
    deque.clear();
    expect(deque.shift()).toBeUndefined();
    deque.push('b');
    expect(deque.first()).toBe('b');
  });
});
