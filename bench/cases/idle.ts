/**
 * Sessions on which nothing is said: what each more of them holds at both ends, against sockets of node:tls, and how much of
 * a CPU the heartbeats of a thousand take at both ends.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Case } from '../case.js';
import { type Pair, withPairs } from '../pair.js';

const STEP = 1_000;
const STEPS = 3;
/** Two heartbeats of each side. */
const WATCHED_MS = 10_000;

const NAMES = ['pool', 'tls'] as const;

async function memory(pair: Pair): Promise<number> {
  return (await pair.ask<number>('server', 'memory')) + (await pair.ask<number>('client', 'memory'));
}

async function cpu(pair: Pair): Promise<number> {
  return (await pair.ask<number>('server', 'cpu')) + (await pair.ask<number>('client', 'cpu'));
}

export const idle: Case = {
  name: 'idle',
  run: () =>
    withPairs(NAMES, async (pairs) => {
      const slopes: Record<string, number> = {};
      let share = NaN;
      for (const name of NAMES) {
        // The first thousand brings what all of them use.
        await pairs[name].order({ kind: 'open', size: 64, messages: STEP });
        if (name === 'pool') {
          await sleep(WATCHED_MS / 2);
          const before = await cpu(pairs[name]);
          await sleep(WATCHED_MS);
          share = (await cpu(pairs[name])) - before;
        }
        const before = await memory(pairs[name]);
        await pairs[name].order({ kind: 'open', size: 64, messages: (STEPS - 1) * STEP });
        slopes[name] = ((await memory(pairs[name])) - before) / 1024 / ((STEPS - 1) * STEP);
      }
      return [
        {
          work: 'an idle session, both ends',
          against: 'tls',
          ours: slopes['pool']!,
          theirs: slopes['tls']!,
          unit: 'KB',
          ratio: slopes['pool']! / slopes['tls']!,
          goal: 0.8,
          beyond: 0.6,
          better: 'below',
        },
        {
          work: '1,000 idle sessions, both ends',
          against: 'one CPU',
          ours: share,
          theirs: WATCHED_MS / 1_000,
          unit: 's of CPU',
          ratio: share / (WATCHED_MS / 1_000),
          goal: 0.05,
          beyond: 0.02,
          better: 'below',
        },
      ];
    }),
};
