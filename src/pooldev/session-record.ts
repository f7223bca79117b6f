/** struct pool_session_info as SESSIONS writes it (kernel contract, section 1): 120 bytes, its telemetry packed at 76. */
import { isIPv4, isIPv6 } from 'node:net';
import type { NodeSessionInfo, SessionStateName } from '../poolnode/types.js';

export const SESSION_RECORD_BYTES = 120;

/** Linux's number on every architecture. */
export const AF_INET6 = 10;

const STATES: Record<SessionStateName, number> = {
  IDLE: 0,
  INIT_SENT: 1,
  CHALLENGED: 2,
  ESTABLISHED: 3,
  REKEYING: 4,
  CLOSING: 5,
};

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
  into.writeUInt32LE(info.index, 0);
  into.set(peer.address, 4);
  into.writeUInt16LE(peer.port, 20);
  into.writeUInt8(peer.family, 22);
  into.writeUInt8(STATES[state], 23);
  into.set(info.id, 24);
  into.writeBigUInt64LE(info.bytesSent, 40);
  into.writeBigUInt64LE(info.bytesReceived, 48);
  into.writeBigUInt64LE(info.packetsSent, 56);
  into.writeBigUInt64LE(info.packetsReceived, 64);
  into.writeUInt32LE(info.packetsSinceRekey >>> 0, 72);
  into.writeBigUInt64LE(telemetry.rttNs, 76);
  into.writeBigUInt64LE(telemetry.jitterNs, 84);
  into.writeUInt32LE(telemetry.lossRatePpm, 92);
  into.writeUInt32LE(telemetry.throughputBps, 96);
  into.writeUInt16LE(telemetry.mtuCurrent, 100);
  into.writeUInt16LE(telemetry.queueDepth, 102);
  into.writeBigUInt64LE(telemetry.uptimeNs, 104);
  into.writeUInt32LE(telemetry.rekeyCount, 112);
  into.writeUInt32LE(telemetry.configVersion, 116);
}

/** 16 bytes in network order; IPv4 becomes IPv4-mapped, a scope id is dropped: the struct has no room for one. */
export function addressBytes(address: string): Uint8Array {
  const bytes = new Uint8Array(16);
  const plain = address.split('%', 1)[0] ?? '';
  if (isIPv4(plain)) {
    bytes.set([0xff, 0xff, ...plain.split('.').map(Number)], 10);
  } else if (isIPv6(plain)) {
    const groups = ipv6Groups(plain);
    const view = new DataView(bytes.buffer);
    groups.forEach((group, index) => view.setUint16(2 * index, group));
  }
  return bytes;
}

/** The text of 16 address bytes, as a dial takes it: IPv4-mapped ones as IPv4. */
export function addressText(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  if (isMapped(bytes)) return [...bytes.subarray(12)].join('.');
  return Array.from({ length: 8 }, (_, index) => view.getUint16(2 * index).toString(16)).join(':');
}

export function isMapped(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
}

/** fe80::/10: it needs a scope id, which the call can't carry. */
export function isLinkLocal(bytes: Uint8Array): boolean {
  return bytes[0] === 0xfe && ((bytes[1] ?? 0) & 0xc0) === 0x80;
}

function ipv6Groups(text: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  if (dotted !== null) {
    const [a, b, c, d] = dotted.slice(2).map(Number) as [number, number, number, number];
    return ipv6Groups(`${dotted[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`);
  }
  const [head = '', tail] = text.split('::');
  const groups = (part: string) =>
    part
      .split(':')
      .filter(Boolean)
      .map((group) => parseInt(group, 16));
  if (tail === undefined) return groups(head);
  const [left, right] = [groups(head), groups(tail)];
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
}
