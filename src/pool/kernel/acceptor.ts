/**
 * Accepting, by watching the table: the module has no call for it. Of what is new there a session is taken when it is real,
 * was accepted and not dialled, and was not there before (kernel contract, section 3).
 */
import type { PoolError } from '../../errors.js';
import type { Clock } from './clock.js';
import { keyOf, type SessionRecord } from './session-record.js';
import { peerOf, roleOf, type Peer, type Role, type RoleSigns } from './session-role.js';
import type { Snapshot, TableObserver } from './session-table.js';
import type { Signs } from './signs.js';
import type { TcpConnection, TcpTable } from './tcp-table.js';

/** Looks: often for a while after any change, seldom when idle (api.md, Defaults and edges). */
const BUSY_LOOK_MS = 5;
const IDLE_LOOK_MS = 100;
const BUSY_MS = 5000;
/** ms after which a session that nothing decides is left alone for good. */
const UNDECIDED_MS = 60_000;

export interface AcceptorOptions {
  signs: Signs;
  clock: Clock;
  port: number;
  tcp(): TcpTable;
  /** What is known of the process's own sessions. */
  roleOf(record: SessionRecord): Role | null;
  /** The table when listening began: its sessions are somebody else's. */
  before: Snapshot;
  /** The connection of each session that this process accepted, by key, where it is known; outlives a listener. */
  connections: Map<string, TcpConnection>;
  accepted(record: SessionRecord, peer: Peer): void;
  failed(error: PoolError): void;
}

export class Acceptor implements TableObserver {
  readonly #options: AcceptorOptions;
  /** Sessions that are decided, by key, for as long as they are in the table. */
  #decided = new Map<string, Role | null>();
  #undecided = new Map<string, number>();
  /** Connections of sessions that were there before, as far as they can be told from unfinished handshakes. */
  readonly #before: ReadonlySet<string>;
  #shown = '';
  #changed: number;

  constructor(options: AcceptorOptions) {
    this.#options = options;
    this.#changed = options.clock.now();
    const { records } = options.before;
    options.signs.prepare(records);
    for (const record of records) {
      const begun = options.signs.established(record) || record.state === 'REKEYING' || record.state === 'CLOSING';
      if (begun) this.#decided.set(keyOf(record), null);
    }
    const connections = options.tcp().established.filter(({ local }) => local.port === options.port);
    const owners = records.filter((record) => options.roleOf(record) !== 'dialled' && this.#isDecided(record));
    this.#before = new Set(connections.length <= owners.length ? connections.map(peerKey) : []);
  }

  interval(): number {
    return this.#options.clock.now() - this.#changed < BUSY_MS ? BUSY_LOOK_MS : IDLE_LOOK_MS;
  }

  table(snapshot: Snapshot): void {
    this.#noteChange(snapshot);
    const { signs } = this.#options;
    let candidates = snapshot.records.filter((record) => record.state === 'ESTABLISHED' && !this.#isDecided(record));
    if (candidates.length === 0) return;
    signs.prepare(candidates);
    candidates = candidates.filter((record) => signs.established(record));
    if (candidates.length === 0) return;
    const tcp = this.#options.tcp();
    // Section 3. Asked again: a session that is real now had its connection when the connections were read.
    candidates = candidates.filter((record) => signs.established(record));
    for (const record of candidates) this.#judge(record, this.#roleSigns(snapshot, tcp));
  }

  lost(error: PoolError): void {
    this.#options.failed(error);
  }

  #judge(record: SessionRecord, signs: RoleSigns): void {
    const key = keyOf(record);
    const role = roleOf(record, signs);
    if (role === null) {
      const now = this.#options.clock.now();
      const since = this.#undecided.get(key) ?? now;
      this.#undecided.set(key, since);
      if (now - since < UNDECIDED_MS) return;
    }
    this.#undecided.delete(key);
    const peer: Peer | null = role === 'accepted' ? peerOf(record, signs) : null;
    this.#decided.set(key, role);
    if (peer === null) return;
    if (peer.connection !== null) this.#options.connections.set(key, peer.connection);
    this.#options.accepted(record, peer);
  }

  #roleSigns(snapshot: Snapshot, tcp: TcpTable): RoleSigns {
    const claimed = new Set([...this.#options.connections.values()].map(peerKey));
    return {
      table: snapshot.records,
      module: this.#options.signs.module,
      port: this.#options.port,
      tcp,
      roleOf: (record) => this.#options.roleOf(record) ?? this.#decided.get(keyOf(record)) ?? null,
      claimed: (connection) => claimed.has(peerKey(connection)),
      before: (connection) => this.#before.has(peerKey(connection)),
    };
  }

  #isDecided(record: SessionRecord): boolean {
    return this.#decided.has(keyOf(record)) || this.#options.roleOf(record) !== null;
  }

  /** Sessions that come, change their state or go: the counters of the others say nothing here. */
  #noteChange(snapshot: Snapshot): void {
    const keys = snapshot.records.map(keyOf);
    const shown = snapshot.records.map((record) => `${keyOf(record)}/${record.state}`).join();
    if (shown !== this.#shown) this.#changed = this.#options.clock.now();
    this.#shown = shown;
    const there = new Set(keys);
    for (const map of [this.#decided, this.#undecided, this.#options.connections]) {
      for (const key of map.keys()) if (!there.has(key)) map.delete(key);
    }
  }
}

/** The listening end of all of them is the same. */
function peerKey({ remote }: TcpConnection): string {
  return `${remote.address} ${remote.port}`;
}
