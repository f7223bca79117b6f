/** A handshake, one echo and a close, one after the other; and what it costs when both sides prove who they are. */
import type { Case } from '../case.js';
import { throughput } from '../throughput.js';
import type { Order } from '../transport.js';

const ORDER: Order = { kind: 'dials', size: 64, messages: 0 };

export const dial: Case = {
  name: 'dial',
  run: async (options) => [
    ...(await throughput('dial, one echo, close', ORDER, 'pool', [{ name: 'tls', goal: 0.75, beyond: 0.9 }], options)),
    ...(await throughput('the same, with keys', ORDER, 'proven', [{ name: 'pool', goal: 0.75, beyond: 0.9 }], options)),
  ],
};
