/** Which connections of /proc/net a session of the table may own: one to the listening port, or one that it dialled. */
import { fromMapped } from '../calls/mapped-address.js';
import type { SessionRecord } from '../table/table-row.js';
import { connectionKey, type TcpConnection, type TcpEnd, type TcpTable } from '../table/tcp-table.js';
import type { TableHistory } from './table-history.js';

export interface ConnectionClaimsOptions {
  /** The port that is listening. */
  port: number;
  /** The connection of each session that this process accepted, by key, where it is known. */
  connections: ReadonlyMap<string, TcpConnection>;
  history: TableHistory;
}

export class ConnectionClaims {
  readonly #options: ConnectionClaimsOptions;

  constructor(options: ConnectionClaimsOptions) {
    this.#options = options;
  }

  /** Connections to the listening port that nobody is known to own. Unfinished handshakes are among them. */
  free(tcp: TcpTable): TcpConnection[] {
    const claimed = new Set([...this.#options.connections.values()].map(connectionKey));
    return this.#toPort(tcp).filter((one) => !claimed.has(connectionKey(one)));
  }

  /** Those to the port. Those that wait for the module to accept them are nobody's. */
  #toPort(tcp: TcpTable): TcpConnection[] {
    return tcp.established.filter(({ local, queued }) => local.port === this.#options.port && !queued);
  }

  /** Connections that a session may have dialled, if it dialled at all. */
  dialled(record: SessionRecord, tcp: TcpTable): TcpConnection[] {
    const { port, history } = this.#options;
    return tcp.established.filter(
      (one) => one.local.port !== port && reaches(one.remote, record) && history.mayHaveBeenDialled(one, record),
    );
  }
}

const UNSPECIFIED = new Set(['::', '0.0.0.0']);

/** Whether a connection to `remote` is one to what a session shows. Who dials `::` is connected to an address of this machine. */
export function reaches(remote: TcpEnd, record: SessionRecord): boolean {
  if (record.peerPort !== remote.port || record.peerPort === 0) return false;
  const { address } = fromMapped(record.peerAddr, record.peerPort);
  return address === remote.address || UNSPECIFIED.has(address);
}

/** Whether two looks show one connection. */
export function isSame(a: TcpConnection, b: TcpConnection): boolean {
  return connectionKey(a) === connectionKey(b);
}
