/** The longest messages that one packet carries, against the stream and the messages of TLS. */
import type { Case } from '../case.js';
import { throughput } from '../throughput.js';

export const bulk: Case = {
  name: 'bulk',
  run: (options) =>
    throughput(
      'bulk, 65519 B',
      { kind: 'bulk', size: 65_519, messages: 0 },
      'pool',
      [
        { name: 'tls', goal: 0.75, beyond: 0.9 },
        { name: 'framed', goal: 1.05, beyond: 1.2 },
      ],
      options,
    ),
};
