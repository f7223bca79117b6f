import { describe, expect, it } from 'vitest';
import { ageText, bytesText, durationText, percentText, rateText } from '../../../src/cli/screen/quantities.js';

describe('quantities', () => {
  it.each([
    [bytesText(null), '–'],
    [bytesText(0), '0 B'],
    [bytesText(999.4), '999 B'],
    [bytesText(999.6), '1.00 kB'],
    [bytesText(9_999), '10.0 kB'],
    [bytesText(99_960), '100 kB'],
    [bytesText(123_456), '123 kB'],
    [bytesText(2.5e12), '2.50 TB'],
    [bytesText(999_999), '1.00 MB'],
    [rateText(1_234_567), '1.23 MB/s'],
    [durationText(213.4), '213 µs'],
    [durationText(1_234), '1.23 ms'],
    [durationText(12_345_678), '12.3 s'],
    [percentText(0), '0 %'],
    [percentText(0.001), '<.01 %'],
    [percentText(0.123), '0.12 %'],
    [percentText(100), '100 %'],
    [ageText(59.9), '59 s'],
    [ageText(3599), '59 m 59 s'],
    [ageText(3600), '1 h 00 m'],
    [ageText(100_000), '1 d 03 h'],
  ])('%s is %s', (text, expected) => {
    expect(text).toBe(expected);
  });

  it('keep their width over all sizes', () => {
    for (let value = 0.001; value < 1e17; value *= 1.07) {
      expect(bytesText(value).length).toBeLessThanOrEqual(7);
      if (value < 1e14) expect(durationText(value).length).toBeLessThanOrEqual(7);
      if (value <= 100) expect(percentText(value).length).toBeLessThanOrEqual(6);
      if (value < 8e6) expect(ageText(value).length).toBeLessThanOrEqual(9);
    }
  });
});
