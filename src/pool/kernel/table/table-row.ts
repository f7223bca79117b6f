/** One row of the module's session table, in the words of the API. */
import { hex, type RawTelemetry, type SessionState } from '../../telemetry.js';
import type { DeviceSession } from '../calls/device.js';

export interface SessionRecord {
  index: number;
  /** 32 hexadecimal digits. */
  id: string;
  state: SessionState;
  /** 16 bytes: what the slot last dialled, which is not who the peer is (kernel contract, section 3). */
  peerAddr: Uint8Array;
  peerPort: number;
  bytesSent: bigint;
  bytesRecv: bigint;
  packetsSent: bigint;
  packetsRecv: bigint;
  packetsSinceRekey: number;
  telemetry: RawTelemetry;
}

/** pool.h's enum pool_session_state, by number. */
const STATES: readonly SessionState[] = ['IDLE', 'INIT_SENT', 'CHALLENGED', 'ESTABLISHED', 'REKEYING', 'CLOSING'];

export function toRecord(row: DeviceSession): SessionRecord {
  return {
    index: row.index,
    id: hex(row.sessionId),
    state: STATES[row.state] ?? 'IDLE',
    peerAddr: row.peerAddr,
    peerPort: row.peerPort,
    bytesSent: row.bytesSent,
    bytesRecv: row.bytesRecv,
    packetsSent: row.packetsSent,
    packetsRecv: row.packetsRecv,
    packetsSinceRekey: row.rekeyCount,
    telemetry: row.telemetry,
  };
}

/** What identifies a session: indexes are reused, and both ends on one machine share the id. */
export function keyOf({ index, id }: { index: number; id: string }): string {
  return `${index}/${id}`;
}
