/** What a session reports of itself: pool.h's structs for programs, and the conversion from the node's. */
import type { RawTelemetry, SessionStateName } from '../base/session.js';
import type { NodeSessionInfo } from '../poolnode/types.js';
import { Addr } from './address/addr.js';

/** A session's measurements. `JSON.stringify` writes a bigint as a decimal string. */
export interface Telemetry extends Omit<RawTelemetry, 'rttNs' | 'jitterNs'> {
  /** As of {@link RawTelemetry}; null before the first round trip was measured, where the kernel module says 0. */
  rttNs: bigint | null;
  /** As of {@link RawTelemetry}; null as `rttNs`. */
  jitterNs: bigint | null;
  /** `rttNs` in whole microseconds. */
  rttUs: number | null;
  /** `jitterNs` in whole microseconds. */
  jitterUs: number | null;
  /** `lossRatePpm` in per cent. */
  lossPercent: number;
  /** What the peer's last HEARTBEAT reported of its side; null when none came, or on the kernel backend. */
  peer: RawTelemetry | null;
}

/** The fields of pool_session_info. `JSON.stringify` writes a bigint as a decimal string. */
export interface SessionInfo {
  /** Slot in the session table. */
  index: number;
  localAddr: Addr;
  peerAddr: Addr;
  state: SessionStateName;
  /** 32 hexadecimal digits; the same at both ends. */
  sessionId: string;
  bytesSent: bigint;
  bytesRecv: bigint;
  packetsSent: bigint;
  packetsRecv: bigint;
  /** Packets since the last rekey: what pool_session_info.rekey_count counts (kernel contract, section 3). */
  packetsSinceRekey: number;
  /** Messages without a byte from the peer, which are counted and not delivered. */
  emptyMessages: number;
  telemetry: Telemetry;
}

/** Adds what is friendly to read. */
export function toTelemetry(raw: RawTelemetry, peer: RawTelemetry | null = null): Telemetry {
  return withJson({
    ...rawFields(raw),
    rttUs: Math.round(Number(raw.rttNs) / 1000),
    jitterUs: Math.round(Number(raw.jitterNs) / 1000),
    lossPercent: raw.lossRatePpm / 10_000,
    peer: peer && withJson(rawFields(peer)),
  });
}

/** The same of a node, which knows whether it has measured: no round trip takes 0 ns. */
export function toNodeTelemetry(raw: RawTelemetry, peer: RawTelemetry | null): Telemetry {
  const telemetry = toTelemetry(raw, peer);
  if (raw.rttNs === 0n) Object.assign(telemetry, { rttNs: null, jitterNs: null, rttUs: null, jitterUs: null });
  return telemetry;
}

/** Gives an object of numbers a `toJSON` that isn't one of its fields: JSON has no bigint. */
export function withJson<T extends object>(fields: T): T {
  const toJSON = (): unknown =>
    Object.fromEntries(
      Object.entries(fields).map(([name, value]: [string, unknown]) => [
        name,
        typeof value === 'bigint' ? String(value) : value,
      ]),
    );
  return Object.defineProperty(fields, 'toJSON', { value: toJSON, configurable: true, writable: true });
}

/** The node's report of a session as the API's. */
export function toSessionInfo(info: NodeSessionInfo, peer: RawTelemetry | null): SessionInfo {
  return withJson({
    index: info.index,
    localAddr: new Addr(info.local.address, info.local.port),
    peerAddr: new Addr(info.remote.address, info.remote.port),
    state: info.state,
    sessionId: hex(info.id),
    bytesSent: info.bytesSent,
    bytesRecv: info.bytesReceived,
    packetsSent: info.packetsSent,
    packetsRecv: info.packetsReceived,
    packetsSinceRekey: info.packetsSinceRekey,
    emptyMessages: info.emptyMessages,
    telemetry: toNodeTelemetry(info.telemetry, peer),
  });
}

/** A session id as the API shows it. */
export function hex(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('hex');
}

function rawFields(raw: RawTelemetry): RawTelemetry {
  const { rttNs, jitterNs, lossRatePpm, throughputBps, mtuCurrent, queueDepth, uptimeNs, rekeyCount, configVersion } =
    raw;
  return { rttNs, jitterNs, lossRatePpm, throughputBps, mtuCurrent, queueDepth, uptimeNs, rekeyCount, configVersion };
}
