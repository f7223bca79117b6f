/** Samples for tests. */
import type { Sample } from '../../../src/cli/telemetry/sample.js';

export function sample(at: number, changes: Partial<Sample> = {}): Sample {
  return {
    time: Date.UTC(2026, 0, 2, 3, 4, 5) + at * 1000,
    state: 'ESTABLISHED',
    rttUs: at < 5 ? null : 500 + 100 * Math.sin(at / 4),
    jitterUs: at < 5 ? null : 20,
    lossPercent: 0,
    sentRate: at === 0 ? null : at * 1000,
    receivedRate: at === 0 ? null : 1e9 * Math.abs(Math.sin(at / 9)),
    bytesSent: at * 1000,
    bytesReceived: at * 2000,
    queueDepth: at % 7,
    peerQueueDepth: null,
    mtu: 1400,
    uptimeSeconds: at,
    rekeys: 0,
    ...changes,
  };
}

export const samples = (count: number): Sample[] => Array.from({ length: count }, (_, at) => sample(at));
