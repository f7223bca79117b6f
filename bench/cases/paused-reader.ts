/**
 * Two GiB to a reader that stands still now and then: what waits is bounded, and is given back. Of each process the resident
 * memory above what it had before, while it goes on and after a collection; the worse of the two counts.
 */
import type { Case, Row } from '../case.js';
import { type Pair, withPairs } from '../pair.js';

const SIZE = 65_519;
const BYTES = 2 * 1024 ** 3;
const MB = 1024 ** 2;
const SIDES = ['server', 'client'] as const;

const each = (pair: Pair, question: 'memory' | 'peak'): Promise<number[]> =>
  Promise.all(SIDES.map((side) => pair.ask<number>(side, question)));

/** The most that a side grew by, MB; what shrank has not grown. */
const growth = (before: readonly number[], after: readonly number[]): number =>
  Math.max(0, ...after.map((bytes, at) => (bytes - before[at]!) / MB));

function row(what: string, grown: number, allowed: number): Row {
  const work = `2 GiB to a reader that pauses, ${what}`;
  const ratio = grown / allowed;
  return { work, against: `${allowed} MB`, ours: grown, theirs: allowed, unit: 'MB', ratio, goal: 1, better: 'below' };
}

export const pausedReader: Case = {
  name: 'paused-reader',
  run: () =>
    withPairs(['pool'], async ({ pool }) => {
      const order = { kind: 'pausing', size: SIZE, messages: Math.ceil(BYTES / SIZE) } as const;
      // Code, heap and sockets are warm, and the memory that all sessions share is there: after less than a whole pass the
      // allocator and V8's young generation still grow by some 10 MB, once, and stay as they are in all passes that follow.
      await pool.order(order);
      const idle = await each(pool, 'memory');
      await each(pool, 'peak');
      await pool.order(order);
      const most = await each(pool, 'peak');
      const after = await each(pool, 'memory');
      return [row('after it', growth(idle, after), 8), row('at most', growth(idle, most), 40)];
    }),
};
