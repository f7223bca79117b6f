import { expect, it } from 'vitest';
import { type BenchResult, reportLines } from '../../../src/cli/bench/report.js';

const result: BenchResult = {
  peer: '10.0.0.1:9253',
  backend: 'user',
  throughput: {
    size: 65_511,
    messages: 3000,
    bytes: 196_533_000,
    seconds: 3,
    bytesPerSecond: 65_511_000,
    messagesPerSecond: 1000.4,
  },
  roundTrips: {
    size: 64,
    count: 5,
    perSecond: 1.6,
    min: 99.6,
    mean: 1234,
    p50: 999.6,
    p90: 20_000,
    p99: 1_500_000,
    max: 123_456_789,
  },
};

it('says what was measured, in columns', () => {
  expect(reportLines(result)).toEqual([
    '10.0.0.1:9253, user backend',
    '',
    'throughput, messages of 65511 B',
    '  bytes        65.5 MB/s',
    '  messages        1000/s',
    'round trips, messages of 64 B, 5 one after the other',
    '  rate               2/s',
    '  min             100 µs',
    '  mean           1.23 ms',
    '  p50            1.00 ms',
    '  p90            20.0 ms',
    '  p99             1.50 s',
    '  max              123 s',
  ]);
});

it('says of percentiles that were not measured that there are none', () => {
  const none = { size: 64, count: 0, perSecond: 0, min: null, mean: null, p50: null, p90: null, p99: null, max: null };
  const lines = reportLines({ ...result, roundTrips: none });
  expect(lines.at(-1)).toMatch(/^ {2}max +–$/);
});
