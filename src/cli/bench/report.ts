/** What was measured, as lines. */
import { durationText, rateText } from '../screen/quantities.js';
import type { RoundTrips, Throughput } from './measure.js';

/** One run. */
export interface BenchResult {
  peer: string;
  backend: 'kernel' | 'user';
  throughput: Throughput;
  roundTrips: RoundTrips;
}

/** Lines for people. */
export function reportLines({ peer, backend, throughput, roundTrips }: BenchResult): string[] {
  const percentiles = (['min', 'mean', 'p50', 'p90', 'p99', 'max'] as const).map((name) => [
    name,
    durationText(roundTrips[name]),
  ]);
  return [
    `${peer}, ${backend} backend`,
    '',
    `throughput, messages of ${throughput.size} B`,
    ...table([
      ['bytes', rateText(throughput.bytesPerSecond)],
      ['messages', `${throughput.messagesPerSecond.toFixed(0)}/s`],
    ]),
    `round trips, messages of ${roundTrips.size} B, ${roundTrips.count} one after the other`,
    ...table([['rate', `${roundTrips.perSecond.toFixed(0)}/s`], ...percentiles]),
  ];
}

function table(rows: readonly (readonly string[])[]): string[] {
  return rows.map(([name = '', value = '']) => `  ${name.padEnd(10)}${value.padStart(12)}`);
}
