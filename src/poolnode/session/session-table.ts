/**
 * The sessions of a node by slot, as POOL_IOC_SESSIONS shows them: a new one gets the lowest slot that is free.
 */
import { PoolError } from '../../base/errors.js';

/** A slot that is kept for a dial in progress. */
export interface Reservation<T> {
  /** Puts the session that `create` makes for its slot into the table. */
  fill(create: (index: number) => T): T;
  /** Gives the slot back. Does nothing once it is filled or given back. */
  cancel(): void;
}

/** Null, or what gives the slot of a session that has ended back to its table. */
export type Reclaim = () => (() => void) | null;

export class SessionTable<T> {
  readonly size: number;
  readonly #slots: (T | undefined)[] = [];
  /** Of each slot the source that took it; dials took theirs for nobody. */
  readonly #holders: (string | undefined)[] = [];
  readonly #held = new Map<string, number>();
  readonly #reserved = new Set<number>();
  readonly #reclaim: Reclaim;
  #used = 0;
  /** No slot below this one is free: keeps the search for the lowest from starting at 0 each time. */
  #lowest = 0;

  /** `reclaim` is asked when no slot is free, and done when one is needed. */
  constructor(size: number, reclaim: Reclaim = () => null) {
    this.size = size;
    this.#reclaim = reclaim;
  }

  /** Slots in use; those kept for dials are not among them. */
  get used(): number {
    return this.#used;
  }

  /** Whether a new session would be refused. */
  get full(): boolean {
    return !this.#hasRoom && this.#reclaim() === null;
  }

  /** Slots that sessions of `holder` are in. */
  heldBy(holder: string): number {
    return this.#held.get(holder) ?? 0;
  }

  /**
   * Keeps the lowest free slot, so that of a dial to this very node the dialling end has the lower one, as on the module.
   * Throws ERR_POOL_SESSION_FULL.
   */
  reserve(): Reservation<T> {
    const index = this.#takeLowest();
    this.#reserved.add(index);
    let open = true;
    const settle = (): boolean => {
      if (!open) return false;
      open = false;
      this.#reserved.delete(index);
      this.#freed(index);
      return true;
    };
    return {
      fill: (create) => {
        if (!settle()) throw new Error('the reservation was used already');
        return this.#put(index, create);
      },
      cancel: () => void settle(),
    };
  }

  /**
   * Puts the session that `create` makes into the lowest free slot, counted for `holder` if there is one.
   * Throws ERR_POOL_SESSION_FULL.
   */
  add(create: (index: number) => T, holder?: string): T {
    const index = this.#takeLowest();
    const session = this.#put(index, create);
    this.#holders[index] = holder;
    if (holder !== undefined) this.#held.set(holder, this.heldBy(holder) + 1);
    return session;
  }

  get #hasRoom(): boolean {
    return this.#used + this.#reserved.size < this.size;
  }

  #takeLowest(): number {
    if (!this.#hasRoom) this.#reclaim()?.();
    if (!this.#hasRoom) throw this.#fullError();
    let index = this.#lowest;
    while (this.#slots[index] !== undefined || this.#reserved.has(index)) index++;
    this.#lowest = index;
    return index;
  }

  #put(index: number, create: (index: number) => T): T {
    const session = create(index);
    this.#slots[index] = session;
    this.#holders[index] = undefined;
    this.#used++;
    return session;
  }

  #freed(index: number): void {
    if (index < this.#lowest) this.#lowest = index;
  }

  get(index: number): T | undefined {
    return this.#slots[index];
  }

  /** Frees the slot, if it still holds this session. */
  release(index: number, session: T): void {
    if (this.#slots[index] !== session) return;
    this.#slots[index] = undefined;
    this.#used--;
    this.#freed(index);
    const holder = this.#holders[index];
    if (holder === undefined) return;
    const left = this.heldBy(holder) - 1;
    if (left === 0) this.#held.delete(holder);
    else this.#held.set(holder, left);
  }

  /** In slot order. */
  list(): T[] {
    return this.#slots.filter((session) => session !== undefined);
  }

  #fullError(): PoolError {
    const slots = this.size === 1 ? 'its one slot is' : `all its ${this.size} slots are`;
    return new PoolError(
      'ERR_POOL_SESSION_FULL',
      `the session table is full: ${slots} in use; close a session, or raise maxSessions (POOL_MAX_SESSIONS)`,
    );
  }
}
