import type { TcpConnection } from '../table/tcp-table.js';

/** Connections shared out among sessions, each of which may own some of them and owns one: a bipartite matching. */
export class ConnectionShares {
  readonly #sessions: readonly (readonly TcpConnection[])[];
  /** By connection: the session that has it. */
  readonly #owners = new Map<TcpConnection, number>();

  constructor(sessions: readonly (readonly TcpConnection[])[]) {
    this.#sessions = sessions;
    for (const [session, mayOwn] of sessions.entries()) this.#give(mayOwn, session, this.#owners, new Set());
  }

  /** Whether one more session may own one of these, and all others still have theirs. */
  mayOwn(connections: readonly TcpConnection[]): boolean {
    return this.#give(connections, this.#sessions.length, new Map(this.#owners), new Set());
  }

  /** Gives the session a connection; one that another has, where that one can have another (an augmenting path). */
  #give(
    connections: readonly TcpConnection[],
    session: number,
    owners: Map<TcpConnection, number>,
    tried: Set<TcpConnection>,
  ): boolean {
    for (const connection of connections) {
      if (tried.has(connection)) continue;
      tried.add(connection);
      const owner = owners.get(connection);
      if (owner !== undefined && !this.#give(this.#sessions[owner]!, owner, owners, tried)) continue;
      owners.set(connection, session);
      return true;
    }
    return false;
  }
}
