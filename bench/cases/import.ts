/** How long a program is kept by its import of pool-ts: an empty program is the measure. */
import { spawnSync } from 'node:child_process';
import type { Case } from '../case.js';
import { alternate, median } from '../pair.js';

const PROGRAMS = { empty: '0', 'pool-ts': "await import('pool-ts')" } as const;
const NAMES = ['empty', 'pool-ts'] as const;
/** Starts of a process are short, and vary. */
const STARTS_A_ROUND = 3;

function start(name: (typeof NAMES)[number]): number {
  const before = performance.now();
  spawnSync(process.execPath, ['--input-type=module', '-e', PROGRAMS[name]]);
  return performance.now() - before;
}

export const importing: Case = {
  name: 'import',
  async run({ rounds }) {
    const results = await alternate(NAMES, rounds * STARTS_A_ROUND, async (name) => start(name));
    const added = median(results['pool-ts']) - median(results.empty);
    const goal = 31;
    const work = 'import of pool-ts, beyond an empty program';
    return [
      {
        work,
        against: `${goal} ms`,
        ours: added,
        theirs: goal,
        unit: 'ms',
        ratio: added / goal,
        goal: 1,
        better: 'below',
      },
    ];
  },
};
