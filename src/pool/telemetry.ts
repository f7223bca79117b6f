/** What a session reports of itself: pool.h's structs for programs, and the conversion from the node's. */
import type { NodeSessionInfo, NodeTelemetry, SessionStateName } from '../poolnode/types.js';
import { Addr } from './addr.js';

/** A session's state in pool.h's words. */
export type SessionState = SessionStateName;

/** The fields of pool_telemetry. On the kernel backend they are the module's own numbers, shown as they are. */
export interface RawTelemetry {
  /** Round trip in ns, from HEARTBEAT to its ACK: 7/8 of the old average and 1/8 of the new sample. */
  rttNs: bigint;
  /** ns: the same average of how far samples are from the mean. */
  jitterNs: bigint;
  /** Sequence gaps per million packets expected. Over TCP, which loses nothing and has no gaps, 0. */
  lossRatePpm: number;
  /** Bits a second sent over the last 5 s; at most 2^32 - 1. */
  throughputBps: number;
  /** Bytes: 1400 at first, then the largest probe that came back. */
  mtuCurrent: number;
  /** Messages that wait for the program; at most 65535. */
  queueDepth: number;
  /** ns since the session was established. */
  uptimeNs: bigint;
  /** How often the keys were changed. */
  rekeyCount: number;
  configVersion: number;
}

/** A session's measurements. */
export interface Telemetry extends RawTelemetry {
  /** `rttNs` in whole microseconds. */
  rttUs: number;
  /** `jitterNs` in whole microseconds. */
  jitterUs: number;
  /** `lossRatePpm` in per cent. */
  lossPercent: number;
  /** What the peer's last HEARTBEAT reported of its side; null when none came, or on the kernel backend. */
  peer: RawTelemetry | null;
}

/** The fields of pool_session_info. */
export interface SessionInfo {
  /** Slot in the session table. */
  index: number;
  localAddr: Addr;
  peerAddr: Addr;
  state: SessionState;
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
  return {
    ...rawFields(raw),
    rttUs: Math.round(Number(raw.rttNs) / 1000),
    jitterUs: Math.round(Number(raw.jitterNs) / 1000),
    lossPercent: raw.lossRatePpm / 10_000,
    peer: peer && rawFields(peer),
  };
}

/** The node's report of a session as the API's. */
export function toSessionInfo(info: NodeSessionInfo, peer: NodeTelemetry | null): SessionInfo {
  return {
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
    telemetry: toTelemetry(info.telemetry, peer),
  };
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
