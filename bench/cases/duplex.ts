/** The same bytes through a Node stream. */
import type { Case } from '../case.js';
import { throughput } from '../throughput.js';

export const duplex: Case = {
  name: 'duplex',
  run: (options) =>
    throughput(
      'bulk through toDuplex()',
      { kind: 'bulk', size: 65_519, messages: 0 },
      'duplex',
      [{ name: 'tls', goal: 0.65, beyond: 0.8 }],
      options,
    ),
};
