import { describe, expect, it } from 'vitest';
import { csvHeader, csvLine, jsonLine, sampleLine, summaryLine } from '../../../src/cli/telemetry/formats.js';
import { sample, samples } from './samples.js';

describe('samples as lines', () => {
  it('are columns for people', () => {
    expect(sampleLine(sample(2))).toMatch(
      /^\d\d:\d\d:07 {2}rtt – {8}jitter – {8}loss 0 % {5}out 2\.00 kB\/s {2}in 220 MB\/s {3}queue 2$/,
    );
  });

  it('are CSV, with nothing for what is not known', () => {
    expect(csvHeader().split(',')).toHaveLength(csvLine(sample(9)).split(',').length);
    expect(csvLine(sample(0))).toBe('2026-01-02T03:04:05.000Z,ESTABLISHED,,,0,,,0,0,0,,1400,0,0');
  });

  it('are JSON, with null for what is not known', () => {
    expect(JSON.parse(jsonLine(sample(1)))).toMatchObject({
      time: '2026-01-02T03:04:06.000Z',
      rttUs: null,
      sentRate: 1000,
    });
  });

  it('are summed up when the screen is gone', () => {
    expect(summaryLine(samples(3))).toBe('3 samples, RTT least / mean / most unknown, loss 0 %');
    expect(summaryLine([sample(5, { rttUs: 100 }), sample(6, { rttUs: 300 })])).toMatch(/100 µs \/ 200 µs \/ 300 µs/);
    expect(summaryLine([])).toMatch(/^0 samples/);
  });
});
