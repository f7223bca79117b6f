/** Messages that TLS puts into one record each. */
import type { Case } from '../case.js';
import { throughput } from '../throughput.js';

export const messages16k: Case = {
  name: '16k',
  run: (options) =>
    throughput(
      '16 KiB messages',
      { kind: 'bulk', size: 16_384, messages: 0 },
      'pool',
      [{ name: 'framed', goal: 0.9, beyond: 1.0 }],
      options,
    ),
};
