/** A session of a device's table, as tables and JSON show it. */
import { ipFromBytes, joinHostPort } from '../../base/ip.js';
import { SESSION_STATES } from '../../base/session.js';
import type { SessionInfo } from '../../poolioc/index.js';

/** Numbers instead of the device's bigints: JSON has no others, and no session counts beyond 2^53. */
export interface SessionRow {
  index: number;
  /** In pool.h's words. */
  state: string;
  /**
   * Whom the slot dialled. Of accepted sessions a device of pool-ts tells the peer, with port 0; the kernel module tells
   * whom the slot dialled before, or `::` (kernel contract, section 3).
   */
  address: string;
  port: number;
  /** 32 hexadecimal digits. */
  sessionId: string;
  bytesSent: number;
  bytesReceived: number;
  packetsSent: number;
  packetsReceived: number;
  packetsSinceRekey: number;
  /** From here on the device's own figures. Those of the kernel module mislead (kernel contract, section 3). */
  rttUs: number;
  jitterUs: number;
  lossPercent: number;
  throughputBps: number;
  mtu: number;
  queueDepth: number;
  uptimeSeconds: number;
  rekeys: number;
}

export function sessionRow(info: SessionInfo): SessionRow {
  const { telemetry } = info;
  return {
    index: info.index,
    state: SESSION_STATES[info.state] ?? String(info.state),
    address: ipFromBytes(info.peerAddr),
    port: info.peerPort,
    sessionId: Buffer.from(info.sessionId).toString('hex'),
    bytesSent: Number(info.bytesSent),
    bytesReceived: Number(info.bytesRecv),
    packetsSent: Number(info.packetsSent),
    packetsReceived: Number(info.packetsRecv),
    packetsSinceRekey: info.rekeyCount,
    rttUs: Number(telemetry.rttNs) / 1000,
    jitterUs: Number(telemetry.jitterNs) / 1000,
    lossPercent: telemetry.lossRatePpm / 10_000,
    throughputBps: telemetry.throughputBps,
    mtu: telemetry.mtuCurrent,
    queueDepth: telemetry.queueDepth,
    uptimeSeconds: Number(telemetry.uptimeNs) / 1e9,
    rekeys: telemetry.rekeyCount,
  };
}

/** `10.0.0.1:9253`; the address alone where the port is not known. */
export function peerText({ address, port }: Pick<SessionRow, 'address' | 'port'>): string {
  if (port === 0) return address === '::' ? 'unknown' : address;
  return joinHostPort(address, port);
}

/** Five letters for a state. */
export function shortState(state: string): string {
  const short: Record<string, string> = {
    IDLE: 'idle',
    INIT_SENT: 'init',
    CHALLENGED: 'chall',
    ESTABLISHED: 'estab',
    REKEYING: 'rekey',
    CLOSING: 'close',
  };
  return short[state] ?? state;
}
