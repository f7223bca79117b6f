/** struct pool_session_info as SESSIONS writes it (kernel contract, section 1): 120 bytes, its telemetry packed at 76. */
import type { SessionStateName } from '../../base/session.js';
import { SessionState } from '../../poolioc/abi/constants.js';
import { offsetsOf, structs } from '../../poolioc/abi/structs.js';
import type { NodeSessionInfo } from '../../poolnode/types.js';

export const SESSION_RECORD_BYTES = structs.SessionInfo.size;

/** A struct object for each record of each SESSIONS would cost more than the call itself: the bytes are set in place. */
const AT = offsetsOf(structs.SessionInfo);
const TELEMETRY_AT = offsetsOf(structs.Telemetry);

/** The peer as the table shows it. */
export interface ShownPeer {
  /** 16 bytes; IPv4 as an IPv4-mapped address. */
  address: Uint8Array;
  port: number;
  family: number;
}

/** `::`, port 0, family 0: what the module shows for an accepted session on a slot that never dialled. */
export const UNKNOWN_PEER: ShownPeer = { address: new Uint8Array(16), port: 0, family: 0 };

export function encodeSessionRecord(
  into: Buffer,
  info: NodeSessionInfo,
  state: SessionStateName,
  peer: ShownPeer,
): void {
  const { telemetry } = info;
  into.writeUInt32LE(info.index, AT.index);
  into.set(peer.address, AT.peerAddr);
  into.writeUInt16LE(peer.port, AT.peerPort);
  into.writeUInt8(peer.family, AT.addrFamily);
  into.writeUInt8(SessionState[state], AT.state);
  into.set(info.id, AT.sessionId);
  into.writeBigUInt64LE(info.bytesSent, AT.bytesSent);
  into.writeBigUInt64LE(info.bytesReceived, AT.bytesRecv);
  into.writeBigUInt64LE(info.packetsSent, AT.packetsSent);
  into.writeBigUInt64LE(info.packetsReceived, AT.packetsRecv);
  into.writeUInt32LE(info.packetsSinceRekey >>> 0, AT.rekeyCount);
  const tail = into.subarray(AT.telemetry);
  tail.writeBigUInt64LE(telemetry.rttNs, TELEMETRY_AT.rttNs);
  tail.writeBigUInt64LE(telemetry.jitterNs, TELEMETRY_AT.jitterNs);
  tail.writeUInt32LE(telemetry.lossRatePpm, TELEMETRY_AT.lossRatePpm);
  tail.writeUInt32LE(telemetry.throughputBps, TELEMETRY_AT.throughputBps);
  tail.writeUInt16LE(telemetry.mtuCurrent, TELEMETRY_AT.mtuCurrent);
  tail.writeUInt16LE(telemetry.queueDepth, TELEMETRY_AT.queueDepth);
  tail.writeBigUInt64LE(telemetry.uptimeNs, TELEMETRY_AT.uptimeNs);
  tail.writeUInt32LE(telemetry.rekeyCount, TELEMETRY_AT.rekeyCount);
  tail.writeUInt32LE(telemetry.configVersion, TELEMETRY_AT.configVersion);
}
