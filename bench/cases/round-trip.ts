/**
 * One message there and back. Where both processes run on one CPU this is the work of both, where each has one of its own
 * it is the waking of an idle CPU, and an unpinned run gives now this and now that: so both are measured, pinned alike.
 */
import type { Case, Row } from '../case.js';
import { alternate, canPin, median, withPairs } from '../pair.js';

const NAMES = ['pool', 'framed'] as const;
const ORDER = { kind: 'trips', size: 64, messages: 500 } as const;
const PLACEMENTS = [
  { label: 'both on one CPU', server: '0', client: '0', goal: 1.3, beyond: 1.15 },
  { label: 'each on its own', server: '0', client: '1', goal: 1.15, beyond: 1.05 },
];

export const roundTrip: Case = {
  name: 'round-trip',
  run: ({ rounds }) =>
    withPairs(NAMES, async (pairs) => {
      const rows: Row[] = [];
      for (const { label, server, client, goal, beyond } of canPin() ? PLACEMENTS : PLACEMENTS.slice(1)) {
        for (const name of NAMES) {
          if (canPin()) pairs[name].pin(server, client);
          await pairs[name].order({ ...ORDER, messages: 10 * ORDER.messages });
        }
        const results = await alternate(NAMES, rounds, async (name) => {
          const { seconds, cpu } = await pairs[name].order(ORDER);
          return { time: 1e6 * median(seconds), cpu };
        });
        const time = (name: (typeof NAMES)[number]): number => median(results[name].map((one) => one.time));
        const cpu = (name: (typeof NAMES)[number]): number => median(results[name].map((one) => one.cpu));
        rows.push({
          work: `round trip 64 B, ${canPin() ? label : 'not pinned'}`,
          against: 'framed',
          ours: time('pool'),
          theirs: time('framed'),
          unit: 'us',
          ratio: time('pool') / time('framed'),
          cpuRatio: cpu('pool') / cpu('framed'),
          goal,
          beyond,
          better: 'below',
        });
      }
      return rows;
    }),
};
