/** A handshake, one echo and a close, one after the other. */
import type { Case } from '../case.js';
import { throughput } from '../throughput.js';

export const dial: Case = {
  name: 'dial',
  run: (options) =>
    throughput(
      'dial, one echo, close',
      { kind: 'dials', size: 64, messages: 0 },
      'pool',
      [{ name: 'tls', goal: 0.75, beyond: 0.9 }],
      options,
    ),
};
