import { describe, expect, it } from 'vitest';
import { LIMITS, PacketType } from '../../../src/poolnode/protocol/constants.js';
import { Control } from '../../../src/poolnode/protocol/control.js';
import { Measurements, writeTelemetry } from '../../../src/poolnode/protocol/telemetry.js';
import { reached, tries } from '../../reliability/figures.js';

const S = 1_000_000_000n;
const EMPTY = new Uint8Array(0);

function control() {
  const sent: { type: number; flags: number; plaintext: Uint8Array; seq: bigint }[] = [];
  const measurements = new Measurements(0n);
  const session = {
    measurements,
    outputBytes: 0,
    write(type: number, flags: number, _channel: number, plaintext: Uint8Array): bigint {
      const seq = BigInt(sent.length);
      sent.push({ type, flags, plaintext, seq });
      return seq;
    },
    report: (now: bigint) => measurements.report(now, 0, 0),
  };
  return { control: new Control(session), sent, measurements, session };
}

describe('Control', () => {
  it('measures the way from HEARTBEAT to its ACK, and no other ACK', () => {
    const { control: packets, sent, measurements } = control();
    packets.sendHeartbeat(0n);
    packets.sendHeartbeat(5n * S);
    expect(sent).toMatchObject([
      { type: PacketType.Heartbeat, flags: 0x40 },
      { type: PacketType.Heartbeat, flags: 0x40 },
    ]);
    packets.ack(99n, 6n * S);
    expect(measurements.roundTrip.rttNs).toBe(0n);
    packets.ack(1n, 6n * S);
    expect(measurements.roundTrip.rttNs).toBe(S);
    packets.ack(0n, 9n * S);
    packets.ack(1n, 9n * S);
    expect(measurements.roundTrip.rttNs).toBe(S);
  });

  it('awaits a bounded number of ACKs', () => {
    const { control: packets, measurements } = control();
    for (let i = 0; i < 100; i++) packets.sendHeartbeat(BigInt(i) * S);
    packets.ack(0n, 200n * S);
    expect(measurements.roundTrip.rttNs).toBe(0n);
    packets.ack(99n, 100n * S);
    expect(measurements.roundTrip.rttNs).toBe(S);
  });

  it('answers HEARTBEATs within a budget, and notes what they report', () => {
    const { control: packets, sent, measurements } = control();
    const payload = writeTelemetry({ ...measurements.report(0n, 0, 0), rttNs: 5n });
    const flood = tries('M2');
    for (let i = 0; i < flood; i++) packets.heartbeat(0x41, payload, 0n);
    expect(sent).toHaveLength(LIMITS.heartbeatRepliesPerSecond);
    expect(packets.peerTelemetry).toMatchObject({ rttNs: 5n });
    packets.heartbeat(0x41, new Uint8Array(3), S);
    expect(packets.peerTelemetry).toMatchObject({ rttNs: 5n });
    expect(sent).toHaveLength(LIMITS.heartbeatRepliesPerSecond + 1);
    reached('M2', flood);
  });

  it('echoes probes, at most 20 a second, and no list of peers', () => {
    const { control: packets, sent, measurements } = control();
    expect(packets.wantsProbe(0x41, 0n)).toBe(false);
    const probe = Uint8Array.of(4, 0, 9, 9);
    for (let i = 0; i < 1_000; i++) if (packets.wantsProbe(0x01, 0n)) packets.probe(probe, 0n);
    expect(sent).toHaveLength(20);
    expect(sent[0]).toMatchObject({ type: PacketType.Discover, flags: 0, plaintext: probe });
    expect(measurements.report(0n, 0, 0).mtuCurrent).toBe(1_024);
    packets.probe(Uint8Array.of(1), S);
    expect(sent).toHaveLength(20);
  });

  it('adds nothing to an output that does not drain', () => {
    const { control: packets, sent, session } = control();
    session.outputBytes = LIMITS.controlBacklogBytes + 1;
    packets.sendHeartbeat(0n);
    packets.heartbeat(0, EMPTY, 0n);
    expect(packets.wantsProbe(1, 0n)).toBe(false);
    expect(sent).toEqual([]);
    session.outputBytes = LIMITS.controlBacklogBytes;
    packets.sendHeartbeat(0n);
    expect(sent).toHaveLength(1);
  });

  it('lets 100 000 packets pass that carry nothing, and ends a flood', () => {
    const { control: packets, sent } = control();
    for (let i = 0; i < LIMITS.ignoredPacketsBurst; i++) packets.ignore(0n);
    expect(() => packets.ignore(0n)).toThrowError(/flood/);
    expect(() => packets.ignore(S)).not.toThrow();
    expect(sent).toEqual([]);
  });
});
