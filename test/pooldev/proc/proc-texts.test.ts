import { describe, expect, it } from 'vitest';
import { ipToBytes } from '../../../src/base/ip.js';
import { PROC_TEXTS, type SlotRow } from '../../../src/pooldev/proc/proc-texts.js';
import type { NodeSessionInfo } from '../../../src/poolnode/types.js';

const telemetry = {
  rttNs: 1_234_567n,
  jitterNs: 89_999n,
  lossRatePpm: 13,
  throughputBps: 987_654_321,
  mtuCurrent: 1400,
  queueDepth: 2,
  uptimeNs: 61_999_999_999n,
  rekeyCount: 1,
  configVersion: 0,
};
const row = (index: number, address: string, port: number, state: SlotRow['state'] = 'ESTABLISHED'): SlotRow => ({
  info: {
    ...{ index, bytesSent: 258n, bytesReceived: 288n, packetsSent: 2n, packetsReceived: 2n, packetsSinceRekey: 4 },
    telemetry,
  } as NodeSessionInfo,
  state,
  peer: { address: ipToBytes(address), port, family: 10 },
});
const state = { listening: true, port: 9253, rows: [row(0, '10.0.0.7', 9253), row(12, '2001:db8::1', 0, 'CLOSING')] };
const text = (name: string, of = state): string => PROC_TEXTS[name]!(of);

// What the module's format strings print for the same values, by a C compiler's printf.
describe('the texts of /proc/pool', () => {
  it('status', () => {
    expect(text('status')).toBe(
      'POOL Protocol v1\nStatus: listening\nListen port: 9253\nActive sessions: 2 / 64\n' +
        'Node pubkey: 0000000000000000...\nJournal entries: 0\n',
    );
    expect(text('status', { listening: false, port: 9253, rows: [] })).toContain('Status: idle\nListen port: 9253\n');
  });

  it('sessions', () => {
    expect(text('sessions').split('\n')).toEqual([
      'IDX  PEER             PORT   STATE        SENT         RECV         PKTS_SENT    REKEYS  ',
      '0    ::ffff:10.0.0.7     9253   ESTABLISHED  258          288          2            4       ',
      '12   2001:db8::1     0      CLOSING      258          288          2            4       ',
      '',
    ]);
  });

  it('telemetry, of what is established', () => {
    expect(text('telemetry').split('\n')).toEqual([
      'IDX  RTT(us)      JITTER(us)   LOSS(ppm)    THRU(Mbps)   MTU    UPTIME(s)   ',
      '0    1234         89           13           987          1400   61          ',
      '',
    ]);
  });

  it('journal: its head', () => {
    expect(text('journal')).toBe('IDX  TIMESTAMP            TYPE         V_BEF  V_AFT \n');
  });

  it('of an unknown peer, as a strict device shows one', () => {
    expect(text('sessions', { ...state, rows: [row(0, '::', 0)] })).toContain('\n0    ::     0      ESTABLISHED ');
  });
});
