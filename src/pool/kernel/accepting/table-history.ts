/**
 * What looks at the table and at /proc/net have shown so far: when a session may have begun at the earliest, and since when a
 * connection is there. A connection that was there while a session's slot was still empty is older than the session.
 */
import { MAX_SESSIONS } from '../../../poolioc/abi/constants.js';
import { keyOf, type SessionRecord } from '../table/table-row.js';
import { connectionKey, type TcpConnection, type TcpTable } from '../table/tcp-table.js';

/** A slot keeps its last session's id while another one is dialled in it: that shows as a state before ESTABLISHED. */
const BEGINNING: ReadonlySet<SessionRecord['state']> = new Set(['IDLE', 'INIT_SENT', 'CHALLENGED']);

export class TableHistory {
  #looks = 0;
  /** By slot: the last look at which no session of later looks can have begun. */
  readonly #clear = new Map<number, number>();
  /** By key: that look, as it was when the session appeared. */
  readonly #born = new Map<string, number>();
  /** By connection: the first look that showed it. */
  #seen = new Map<string, number>();

  /** Looks at the table so far. */
  get looks(): number {
    return this.#looks;
  }

  /** A look at the table. @returns the keys of its sessions */
  note(records: readonly SessionRecord[]): ReadonlySet<string> {
    this.#looks += 1;
    const there = new Map(records.map((record) => [record.index, record]));
    const keys = new Set(records.map(keyOf));
    for (const key of this.#born.keys()) if (!keys.has(key)) this.#born.delete(key);
    for (const record of records) {
      const key = keyOf(record);
      if (!this.#born.has(key)) this.#born.set(key, this.#looks === 1 ? 0 : (this.#clear.get(record.index) ?? 0));
    }
    for (let index = 0; index < MAX_SESSIONS; index += 1) {
      const record = there.get(index);
      if (record === undefined || !BEGINNING.has(record.state)) this.#clear.set(index, this.#looks);
    }
    return keys;
  }

  /** The connections of the same look, which were read after it. */
  noteConnections({ established }: TcpTable): void {
    const keys = established.map(connectionKey);
    this.#seen = new Map(keys.map((key) => [key, this.#seen.get(key) ?? this.#looks]));
  }

  /** Whether a connection may be one that the session dialled: it came with it, and not before it. */
  mayHaveBeenDialled(connection: TcpConnection, record: SessionRecord): boolean {
    return this.#seenAt(connection) >= this.#bornAt(record);
  }

  /** Whether it may be the one that the session was accepted on: the module accepts first, and takes a slot right after that. */
  mayHaveBeenAccepted(connection: TcpConnection, record: SessionRecord): boolean {
    return this.#seenAt(connection) >= this.#bornAt(record) - 1;
  }

  #seenAt(connection: TcpConnection): number {
    return this.#seen.get(connectionKey(connection)) ?? Infinity;
  }

  #bornAt(record: SessionRecord): number {
    return this.#born.get(keyOf(record)) ?? 0;
  }
}
