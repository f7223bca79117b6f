/**
 * Whether a session that this process did not dial was accepted, and by whom it was dialled. The table of sessions does
 * not say it: kernel contract, section 3 gives the signs, and the rule that what nothing decides is left alone.
 */
import { Addr } from '../addr.js';
import { fromMapped } from './mapped-address.js';
import type { SessionRecord } from './session-record.js';
import type { TcpConnection, TcpEnd, TcpTable } from './tcp-table.js';

export type Role = 'accepted' | 'dialled';

export interface RoleSigns {
  /** The whole table, so that the two ends of a session within one machine are seen together. */
  table: readonly SessionRecord[];
  /** The module's device; false for one that is served from user space. */
  module: boolean;
  /** The port that is listening. */
  port: number;
  tcp: TcpTable;
  /** What is known of other sessions. */
  roleOf(record: SessionRecord): Role | null;
  /** Connections that belong to sessions accepted earlier. */
  claimed(connection: TcpConnection): boolean;
  /** Connections that very likely belong to sessions from before. Enough to name a peer by, but not to decide a role. */
  before(connection: TcpConnection): boolean;
}

/** Bytes received when the handshake is just over: INIT and RESPONSE at the end that accepted... */
const ACCEPTED_BYTES = 288n;
/** ...CHALLENGE and ACK at the end that dialled. */
const DIALLED_BYTES = 258n;

/** The role of a session; null when nothing decides it. */
export function roleOf(record: SessionRecord, signs: RoleSigns): Role | null {
  return alone(record, signs) ?? byOtherEnd(record, signs) ?? byConnections(record, signs);
}

/** What the session itself tells. */
function alone(record: SessionRecord, signs: RoleSigns): Role | null {
  const known = signs.roleOf(record);
  if (known !== null) return known;
  // A served device shows port 0 for accepted sessions; on the module port 0 means no more than "never dialled".
  if (!signs.module && record.peerPort === 0) return 'accepted';
  if (record.packetsRecv === 2n && record.bytesRecv === ACCEPTED_BYTES) return 'accepted';
  if (record.packetsRecv === 2n && record.bytesRecv === DIALLED_BYTES) return 'dialled';
  return null;
}

/** Both ends of a session on one machine share its id, and one of them dialled. */
function byOtherEnd(record: SessionRecord, signs: RoleSigns): Role | null {
  const other = signs.table.find(({ id, index }) => id === record.id && index !== record.index);
  const role = other === undefined ? null : alone(other, signs);
  if (role === null) return null;
  return role === 'accepted' ? 'dialled' : 'accepted';
}

/** An accepted session owns a connection to the listening port, a dialled one a connection to the peer that it shows. */
function byConnections(record: SessionRecord, signs: RoleSigns): Role | null {
  // Without its listening socket this isn't the module's network namespace, and shows none of its connections.
  if (!signs.tcp.listening.has(signs.port)) return null;
  if (freeConnections(signs).length === 0) return 'dialled';
  return dialledConnections(record, signs) > 0 ? null : 'accepted';
}

/** Connections to the listening port that no known session owns. Unfinished handshakes are among them. */
function freeConnections(signs: RoleSigns): TcpConnection[] {
  return signs.tcp.established.filter((one) => one.local.port === signs.port && !signs.claimed(one));
}

/** How many connections could be the one that a session dialled, if it dialled at all. */
function dialledConnections(record: SessionRecord, signs: RoleSigns): number {
  if (record.peerPort === 0) return 0;
  const shown = fromMapped(record.peerAddr, record.peerPort);
  const toPeer = ({ local, remote }: TcpConnection): boolean => same(remote, shown) && local.port !== signs.port;
  const owners = signs.table.filter(
    (other) =>
      other !== record && signs.roleOf(other) === 'dialled' && same(fromMapped(other.peerAddr, other.peerPort), shown),
  );
  return signs.tcp.established.filter(toPeer).length - owners.length;
}

/** Who may be at the other end of an accepted session. */
export interface Peer {
  /** As exact as it is known: port 0 when only the address is, `[::]:0` when nothing is. */
  addr: Addr;
  /** Its connection, where there is no doubt. */
  connection: TcpConnection | null;
  /** Everybody whom it may be; a rule that refuses one of them has to refuse the session. */
  possible: readonly Addr[];
}

/** The peer of an accepted session: the session table doesn't know it (kernel contract, section 3), TCP does. */
export function peerOf(record: SessionRecord, signs: RoleSigns): Peer {
  const shown = signs.module || record.peerPort !== 0 ? null : fromMapped(record.peerAddr, 0);
  const told = shown !== null && shown.address !== '::' ? shown : null;
  const free = freeConnections(signs).filter(
    (one) => !signs.before(one) && (told === null || one.remote.address === told.address),
  );
  const [first] = free;
  if (first === undefined) return { addr: told ?? UNKNOWN, connection: null, possible: [told ?? UNKNOWN] };
  const possible = free.map(({ remote }) => new Addr(remote.address, remote.port));
  if (free.length === 1) return { addr: possible[0]!, connection: first, possible };
  const oneHost = possible.every(({ address }) => address === first.remote.address);
  return { addr: oneHost ? new Addr(first.remote.address, 0) : UNKNOWN, connection: null, possible };
}

/** Nothing is known of an address. */
export const UNKNOWN = new Addr('::', 0);

function same(a: TcpEnd, b: TcpEnd): boolean {
  return a.address === b.address && a.port === b.port;
}
