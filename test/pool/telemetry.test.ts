import { describe, expect, it } from 'vitest';
import type { RawTelemetry } from '../../src/base/session.js';
import { hex, toSessionInfo, toTelemetry } from '../../src/pool/telemetry.js';

const raw: RawTelemetry = {
  rttNs: 123_499n,
  jitterNs: 2_500n,
  lossRatePpm: 12_500,
  throughputBps: 8_000,
  mtuCurrent: 1400,
  queueDepth: 3,
  uptimeNs: 1n << 60n,
  rekeyCount: 2,
  configVersion: 1,
};

describe('toTelemetry', () => {
  it('keeps the raw fields and adds friendly ones', () => {
    expect(toTelemetry(raw)).toEqual({ ...raw, rttUs: 123, jitterUs: 3, lossPercent: 1.25, peer: null });
  });

  it('keeps what the peer reported apart', () => {
    const peer = { ...raw, rttNs: 5n };
    const telemetry = toTelemetry(raw, peer);
    expect(telemetry.peer).toEqual(peer);
    expect(telemetry.peer).not.toBe(peer);
    expect(telemetry.rttNs).toBe(123_499n);
  });
});

it('toSessionInfo has the fields of pool_session_info, addresses as Addr', () => {
  const info = toSessionInfo(
    {
      index: 4,
      id: Uint8Array.from({ length: 16 }, (_, i) => i),
      role: 'server',
      local: { address: '::1', family: 'IPv6', port: 9253 },
      remote: { address: '127.0.0.1', family: 'IPv4', port: 50000 },
      state: 'REKEYING',
      bytesSent: 1n,
      bytesReceived: 2n,
      packetsSent: 3n,
      packetsReceived: 4n,
      packetsSinceRekey: 7,
      emptyMessages: 1,
      telemetry: raw,
    },
    null,
  );
  expect(info).toMatchObject({
    index: 4,
    state: 'REKEYING',
    bytesSent: 1n,
    bytesRecv: 2n,
    packetsSent: 3n,
    packetsRecv: 4n,
  });
  expect(info).toMatchObject({ packetsSinceRekey: 7, emptyMessages: 1, sessionId: '000102030405060708090a0b0c0d0e0f' });
  expect([String(info.localAddr), String(info.peerAddr)]).toEqual(['[::1]:9253', '127.0.0.1:50000']);
});

it('hex reads only the view', () => {
  expect(hex(Uint8Array.of(1, 2, 255, 4).subarray(1, 3))).toBe('02ff');
});
