/**
 * The sessions of this process, by slot: a session is known by its index and its id together (kernel contract, section 3),
 * because indexes are reused at once.
 */
import type { PoolError } from '../../../base/errors.js';
import { KernelSession, type SessionEnvironment, type SessionIdentity } from '../session/session.js';
import type { SessionRole } from '../accepting/session-role.js';
import { keyOf, type SessionRecord } from './table-row.js';
import type { Snapshot, TableObserver } from './device-table.js';
import { Slot } from '../session/slot.js';
import type { WatchInterest } from './table-watcher.js';

/** ms between looks while this process has sessions: their packets are counted, and their threads looked for. */
const LOOK_MS = 1000;
/** ms between two looks where the device doesn't tell of ends: they are to be noticed within a second. */
const WATCH_MS = 250;

export class SessionRegistry implements TableObserver {
  readonly #slots = new Map<number, Slot>();
  readonly #owned = new Map<number, KernelSession>();
  /** Sessions given up that are still in the table. */
  readonly #left = new Map<string, SessionRole>();
  readonly #expected = new Set<number>();
  readonly #changed: () => void;

  /** `changed` is called when looking became necessary. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** CONNECT returned the slot: its session is this process's, also while its id has to be looked for. */
  async expect<T>(index: number, entry: Promise<T>): Promise<T> {
    this.#expected.add(index);
    try {
      return await entry;
    } finally {
      this.#expected.delete(index);
    }
  }

  /** Takes ownership of a session that was just dialled or accepted. */
  adopt(
    identity: Omit<SessionIdentity, 'slot'> & { index: number },
    env: Omit<SessionEnvironment, 'released'>,
  ): KernelSession {
    const { index } = identity;
    let slot = this.#slots.get(index);
    if (slot === undefined) this.#slots.set(index, (slot = new Slot(index)));
    const session = new KernelSession({ ...identity, slot }, { ...env, released: (one) => this.#release(one) });
    // Who owned the slot before has lost it, or its id would still be there.
    const before = this.#owned.get(index);
    this.#owned.set(index, session);
    before?.look(undefined);
    this.#changed();
    return session;
  }

  /** The role of a session that is, or was, this process's. */
  roleOf(record: SessionRecord): SessionRole | null {
    if (this.#expected.has(record.index)) return 'dialled';
    const owner = this.#owned.get(record.index);
    return owner?.id === record.id ? owner.role : (this.#left.get(keyOf(record)) ?? null);
  }

  get sessions(): readonly KernelSession[] {
    return [...this.#owned.values()];
  }

  /** Slots that CONNECT returned, and whose sessions have no entry yet. */
  get expected(): readonly number[] {
    return [...this.#expected];
  }

  /** The sessions in `slots` that have no entry. */
  unnamed({ records }: Snapshot, slots: ReadonlySet<number>): SessionRecord[] {
    return records.filter(({ index, id }) => slots.has(index) && this.#owned.get(index)?.id !== id);
  }

  interval(): number {
    return this.#owned.size > 0 ? LOOK_MS : Infinity;
  }

  watch(): WatchInterest | null {
    return this.#owned.size > 0 ? { interval: WATCH_MS, counters: false } : null;
  }

  table(snapshot: Snapshot): void {
    for (const session of this.sessions) {
      session.look(snapshot.at(session.index, session.id), snapshot.otherEnd(session) !== undefined);
    }
    if (this.#left.size === 0) return;
    const there = new Set(snapshot.records.map(keyOf));
    for (const key of this.#left.keys()) if (!there.has(key)) this.#left.delete(key);
  }

  lost(error: PoolError): void {
    for (const session of this.sessions) session.lost(error);
    this.#owned.clear();
  }

  #release(session: KernelSession): void {
    if (this.#owned.get(session.index) !== session) return;
    this.#owned.delete(session.index);
    this.#left.set(keyOf(session), session.role);
  }
}
