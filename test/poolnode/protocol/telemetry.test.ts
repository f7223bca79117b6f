import { describe, expect, it } from 'vitest';
import {
  Measurements,
  readTelemetry,
  RoundTrip,
  ThroughputMeter,
  writeTelemetry,
} from '../../../src/poolnode/protocol/telemetry.js';

const S = 1_000_000_000n;
const SAMPLE = {
  rttNs: 0x0102030405060708n,
  jitterNs: (1n << 64n) - 1n,
  lossRatePpm: 0xfffffffe,
  throughputBps: 0x11223344,
  mtuCurrent: 0xabcd,
  queueDepth: 0x1234,
  uptimeNs: (1n << 53n) + 1n,
  rekeyCount: 7,
  configVersion: 9,
};

describe('the codec', () => {
  it('is packed, 44 bytes, little-endian', () => {
    const payload = writeTelemetry(SAMPLE);
    expect(Buffer.from(payload).toString('hex')).toBe(
      [
        '0807060504030201',
        'ffffffffffffffff',
        'feffffff',
        '44332211',
        'cdab',
        '3412',
        '0100000000002000',
        '07000000',
        '09000000',
      ].join(''),
    );
    expect(readTelemetry(payload)).toEqual(SAMPLE);
  });

  it('reads the 48 bytes of a newer header, and no other size', () => {
    const newer = new Uint8Array(48).fill(0xee);
    newer.set(writeTelemetry(SAMPLE));
    expect(readTelemetry(newer)).toEqual(SAMPLE);
    for (const size of [0, 43, 45, 47, 49]) expect(readTelemetry(new Uint8Array(size))).toBeNull();
  });
});

describe('RoundTrip', () => {
  it('starts with the first sample, then takes 7/8 of the old and 1/8 of the new', () => {
    const trip = new RoundTrip();
    expect([trip.rttNs, trip.jitterNs]).toEqual([0n, 0n]);
    trip.sample(800n);
    expect([trip.rttNs, trip.jitterNs]).toEqual([800n, 0n]);
    trip.sample(1_600n);
    expect([trip.rttNs, trip.jitterNs]).toEqual([900n, 100n]);
    trip.sample(100n);
    expect([trip.rttNs, trip.jitterNs]).toEqual([800n, (700n + 800n) / 8n]);
  });
});

describe('Throughput', () => {
  it('is bits a second over the last 5 s', () => {
    const throughput = new ThroughputMeter(0n);
    for (let i = 0n; i < 50n; i++) throughput.sent(1_000, (i * S) / 10n);
    expect(throughput.bitsPerSecond(5n * S - 1n)).toBe(80_000);
    expect(throughput.bitsPerSecond(10n * S)).toBe(0);
    expect(throughput.bitsPerSecond(1_000n * S)).toBe(0);
  });

  it('forgets by and by', () => {
    const throughput = new ThroughputMeter(0n);
    throughput.sent(5_000, 0n);
    throughput.sent(5_000, 3n * S);
    expect(throughput.bitsPerSecond(4n * S)).toBe(16_000);
    expect(throughput.bitsPerSecond(6n * S)).toBe(8_000);
  });

  it('saturates at u32', () => {
    const throughput = new ThroughputMeter(0n);
    throughput.sent(2 ** 40, 0n);
    expect(throughput.bitsPerSecond(0n)).toBe(0xffff_ffff);
  });
});

describe('Measurements', () => {
  it('starts at the default MTU and then shows the largest probe echoed', () => {
    const measurements = new Measurements(5n * S);
    expect(measurements.report(6n * S, 0, 0)).toEqual({
      rttNs: 0n,
      jitterNs: 0n,
      lossRatePpm: 0,
      throughputBps: 0,
      mtuCurrent: 1_400,
      queueDepth: 0,
      uptimeNs: S,
      rekeyCount: 0,
      configVersion: 0,
    });
    for (const size of [956, 1_386, 1_200]) measurements.probeEchoed(size);
    expect(measurements.report(6n * S, 0, 0).mtuCurrent).toBe(1_386);
  });

  it('saturates the queue depth at u16', () => {
    const measurements = new Measurements(0n);
    expect(measurements.report(0n, 65_535, 0).queueDepth).toBe(65_535);
    expect(measurements.report(0n, 1e9, 0).queueDepth).toBe(65_535);
    expect(measurements.report(0n, -1, 0).queueDepth).toBe(0);
  });
});
