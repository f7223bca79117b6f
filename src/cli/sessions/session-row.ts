/** A session of a device's table, as tables and JSON show it. */
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

/** POOL_STATE_*, in the order of their numbers. */
const STATES = ['IDLE', 'INIT_SENT', 'CHALLENGED', 'ESTABLISHED', 'REKEYING', 'CLOSING'] as const;

const MAPPED = /^0{20}ffff/;

/** The row of `info`. */
export function sessionRow(info: SessionInfo): SessionRow {
  const { telemetry } = info;
  return {
    index: info.index,
    state: STATES[info.state] ?? String(info.state),
    address: addressText(info.peerAddr),
    port: info.peerPort,
    sessionId: hex(info.sessionId),
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
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
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

/** 16 bytes as text; IPv4 mapped into IPv6 as IPv4. */
function addressText(address: Uint8Array): string {
  const digits = hex(address);
  if (MAPPED.test(digits)) return address.slice(12).join('.');
  // The URL parser shortens an address as RFC 5952 says.
  return new URL(`http://[${digits.match(/.{4}/g)?.join(':') ?? '::'}]`).hostname.slice(1, -1);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
