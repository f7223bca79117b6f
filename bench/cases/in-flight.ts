/** Round trips of which 100 are under way at a time. */
import type { Case } from '../case.js';
import { throughput } from '../throughput.js';

export const inFlight: Case = {
  name: 'in-flight',
  run: (options) =>
    throughput(
      'round trips 64 B, 100 in flight',
      { kind: 'flight', size: 64, messages: 0, window: 100 },
      'pool',
      [{ name: 'framed', goal: 0.22, beyond: 0.35 }],
      options,
    ),
};
