/** What a message costs where there are many sessions: a round trip on each of 1,000 in turn, and 64 that send at once. */
import type { Case, Row } from '../case.js';
import { alternate, median, type Pair, withPairs } from '../pair.js';
import { messagesOf } from '../throughput.js';

const TRIPS = 4_000;

/** Two pairs of one transport: one with a session, one with many. */
async function pairs<T>(many: number, run: (pairs: { one: Pair; many: Pair }) => Promise<T>): Promise<T> {
  return withPairs(['pool'], async ({ pool: one }) =>
    withPairs(['pool'], async ({ pool }) => {
      await pool.order({ kind: 'open', size: 64, messages: many - 1 });
      return run({ one, many: pool });
    }),
  );
}

const NAMES = ['one', 'many'] as const;

export const manySessions: Case = {
  name: 'many-sessions',
  async run({ rounds, seconds }) {
    const trips: Row = await pairs(1_000, async (both) => {
      const order = { kind: 'spread', size: 64, messages: TRIPS } as const;
      for (const name of NAMES) await both[name].order(order);
      const results = await alternate(
        NAMES,
        rounds,
        async (name) => (1e6 * (await both[name].order(order)).cpu) / TRIPS,
      );
      const [ours, theirs] = [median(results.many), median(results.one)];
      const unit = 'us of CPU';
      const work = 'a round trip at 1,000 sessions';
      return { work, against: 'at 1', ours, theirs, unit, ratio: ours / theirs, goal: 1.15, better: 'below' };
    });
    const together: Row = await pairs(64, async (both) => {
      const order = { kind: 'together', size: 16_384, messages: 0 } as const;
      const counts = { one: 0, many: 0 };
      for (const name of NAMES) counts[name] = await messagesOf(both[name], order, seconds);
      const results = await alternate(NAMES, rounds, async (name) => {
        const messages = counts[name];
        return messages / (await both[name].order({ ...order, messages })).seconds[0]!;
      });
      const [ours, theirs] = [median(results.many), median(results.one)];
      const work = '64 sessions at once, 16 KiB messages';
      return {
        work,
        against: 'one',
        ours,
        theirs,
        unit: 'messages/s',
        ratio: ours / theirs,
        goal: 0.9,
        better: 'above',
      };
    });
    return [trips, together];
  },
};
