/** Messages whose cost is all in their number. */
import type { Case } from '../case.js';
import { throughput } from '../throughput.js';

export const messages64: Case = {
  name: '64',
  run: (options) =>
    throughput(
      '64 B messages',
      { kind: 'bulk', size: 64, messages: 0 },
      'pool',
      [{ name: 'secret-stream', goal: 1.3, beyond: 1.6 }],
      options,
    ),
};
