/** Which end of a session this machine is, and who is at the other. How that is told stands in accept-rule.ts. */
import { Addr } from '../../address/addr.js';
import type { TcpConnection } from '../table/tcp-table.js';

export type Role = 'accepted' | 'dialled';

/** Who may be at the other end of an accepted session. */
export interface Peer {
  /** As exact as it is known: port 0 when only the address is, `[::]:0` when nothing is. */
  addr: Addr;
  /** Its connection, where there is no doubt. */
  connection: TcpConnection | null;
  /** Everybody whom it may be; a rule that refuses one of them has to refuse the session. */
  possible: readonly Addr[];
}

/** Nothing is known of an address. */
export const UNKNOWN = new Addr('::', 0);
