/** Which end of a session this machine is, and who is at the other. How that is told stands in accept-rule.ts. */
import { Addr } from '../../address/addr.js';
import type { SessionRecord } from '../table/table-row.js';
import type { TcpConnection } from '../table/tcp-table.js';

export type SessionRole = 'accepted' | 'dialled';

/** Who may be at the other end of an accepted session. */
export interface AcceptedPeer {
  /** As exact as it is known: port 0 when only the address is, `[::]:0` when nothing is. */
  addr: Addr;
  /** Its connection, where there is no doubt. */
  connection: TcpConnection | null;
  /** Everybody whom it may be; a rule that refuses one of them has to refuse the session. */
  possible: readonly Addr[];
}

/** Nothing is known of an address. */
export const UNKNOWN = new Addr('::', 0);

/** Bytes that encryption adds to a packet with a payload: sent ones are counted with them, received ones without. */
const TAG_BYTES = 16n;

/**
 * The role of one of the two ends of a session, by the counters of both, before the first heartbeat and before any message.
 * Who dialled has sent INIT plain and RESPONSE encrypted; who accepted CHALLENGE plain, and ACK without a payload. All later
 * packets are encrypted, since only heartbeats are answered by ACKs. So of the packets that an end sent all but one carry a
 * tag where it dialled, and all but two where it accepted. A message is counted twice by its sender, which lowers that number.
 */
export function roleByCounters(one: SessionRecord, other: SessionRecord): SessionRole | null {
  const plain = (from: SessionRecord, to: SessionRecord): bigint | null => {
    const tags = from.bytesSent - to.bytesRecv;
    if (from.packetsSent !== to.packetsRecv || tags < 0n || tags % TAG_BYTES !== 0n) return null;
    return from.packetsSent - tags / TAG_BYTES;
  };
  if (one.telemetry.uptimeNs !== 0n || other.telemetry.uptimeNs !== 0n) return null;
  const [mine, others] = [plain(one, other), plain(other, one)];
  if (mine === 1n && others === 2n) return 'dialled';
  return mine === 2n && others === 1n ? 'accepted' : null;
}
