/** Messages of which TLS puts many into one record, and secret-stream and POOL one. */
import type { Case } from '../case.js';
import { throughput } from '../throughput.js';

export const messages1k: Case = {
  name: '1k',
  run: (options) =>
    throughput(
      '1 KiB messages',
      { kind: 'bulk', size: 1_024, messages: 0 },
      'pool',
      [
        { name: 'ws', goal: 0.8, beyond: 1.0 },
        { name: 'secret-stream', goal: 1.1, beyond: 1.4 },
      ],
      options,
    ),
};
