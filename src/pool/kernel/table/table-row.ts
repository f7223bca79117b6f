/** One row of the module's session table, in the words of the API. */
import { type RawTelemetry, SESSION_STATES, type SessionStateName } from '../../../base/session.js';
import { hex } from '../../telemetry.js';
import type { DeviceSession } from '../calls/device.js';

export interface SessionRecord {
  index: number;
  /** 32 hexadecimal digits. */
  id: string;
  state: SessionStateName;
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

export function toRecord(row: DeviceSession): SessionRecord {
  return {
    index: row.index,
    id: hex(row.sessionId),
    state: SESSION_STATES[row.state] ?? 'IDLE',
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

/** What a session has received when its handshake is done: INIT and RESPONSE at the accepted end, CHALLENGE and ACK at the other. */
export const HANDSHAKE_PACKETS = 2n;

/** What identifies a session: indexes are reused, and both ends on one machine share the id. */
export function keyOf({ index, id }: { index: number; id: string }): string {
  return `${index}/${id}`;
}
