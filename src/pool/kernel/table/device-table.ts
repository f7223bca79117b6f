/**
 * The table of sessions: one SESSIONS call serves everybody who wants to know something of it. A look is made when a watcher
 * says that the table has changed, when somebody asks, and as often as the most curious of those asks who need the counters.
 */
import type { PoolError } from '../../../base/errors.js';
import type { KernelClock, ClockTimer } from '../calls/kernel-clock.js';
import type { KernelDevice } from '../calls/device.js';
import type { SessionRecord } from './table-row.js';
import { TableWatcher, type WatchInterest } from './table-watcher.js';

/** The table at one moment. */
export class Snapshot {
  readonly records: readonly SessionRecord[];
  readonly #byIndex: ReadonlyMap<number, SessionRecord>;

  constructor(records: readonly SessionRecord[]) {
    this.records = records;
    this.#byIndex = new Map(records.map((record) => [record.index, record]));
  }

  /** The session in a slot; with `id` only that one: a slot is reused at once after a close. */
  at(index: number, id?: string): SessionRecord | undefined {
    const record = this.#byIndex.get(index);
    return id === undefined || record?.id === id ? record : undefined;
  }

  /** A session's other end, where it is on this machine too: the two share their id (kernel contract, section 3). */
  otherEnd({ index, id }: { index: number; id: string }): SessionRecord | undefined {
    return this.records.find((record) => record.id === id && record.index !== index);
  }
}

export interface TableObserver {
  /** ms until the next look; Infinity while there is nothing to look for. Asked after each look. */
  interval(): number;
  table(snapshot: Snapshot): void;
  /** Which changes are to bring a look before that; null for none. Asked after each look. */
  watch(): WatchInterest | null;
  /** The table can't be read any more: the device is gone. The last call. */
  lost(error: PoolError): void;
}

/** ms until the table is watched again after that failed. */
const WATCH_AGAIN_MS = 1000;

interface LookWaiter {
  resolve: (snapshot: Snapshot) => void;
  reject: (error: PoolError) => void;
}

export class DeviceTable {
  readonly #read: () => Promise<readonly SessionRecord[]>;
  readonly #clock: KernelClock;
  readonly #watcher: TableWatcher | null;
  readonly #observers = new Set<TableObserver>();
  #waiters: LookWaiter[] = [];
  #latest = new Snapshot([]);
  #reading = false;
  #timer: ClockTimer | undefined;
  #lost: PoolError | null = null;

  /**
   * `read` is one SESSIONS call; it rejects with a PoolError only when the device is of no more use. Without `device` nothing
   * tells of changes.
   */
  constructor(
    read: () => Promise<readonly SessionRecord[]>,
    clock: KernelClock,
    device?: Pick<KernelDevice, 'tableChange'>,
  ) {
    this.#read = read;
    this.#clock = clock;
    const changed = (): void => void this.refresh().catch(() => {});
    const pause = (): Promise<void> => new Promise((resolve) => clock.after(WATCH_AGAIN_MS, resolve));
    this.#watcher = device === undefined ? null : new TableWatcher({ device, changed, pause });
  }

  /** The listening port, where the device tells it by itself: 0 for none, null where it does not. */
  get port(): number | null {
    return this.#watcher?.port ?? null;
  }

  /** The last look. */
  get latest(): Snapshot {
    return this.#latest;
  }

  /** A look that begins after this call. */
  refresh(): Promise<Snapshot> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      if (!this.#reading) this.#look();
    });
  }

  observe(observer: TableObserver): void {
    this.#observers.add(observer);
    this.reschedule();
  }

  forget(observer: TableObserver): void {
    this.#observers.delete(observer);
    this.reschedule();
  }

  /** To be called when an observer's interval became shorter, or other changes are of interest. */
  reschedule(): void {
    if (this.#reading) return;
    this.#timer?.cancel();
    const observers = this.#lost === null ? [...this.#observers] : [];
    const interests = observers.map((observer) => observer.watch()).filter((interest) => interest !== null);
    this.#watcher?.want(
      interests.length === 0
        ? null
        : {
            interval: Math.min(...interests.map(({ interval }) => interval)),
            counters: interests.some(({ counters }) => counters),
          },
    );
    const interval = Math.min(...observers.map((observer) => observer.interval()));
    this.#timer = interval === Infinity ? undefined : this.#clock.after(interval, () => this.#look());
  }

  #look(): void {
    this.#timer?.cancel();
    const waiters = this.#waiters.splice(0);
    if (this.#lost !== null) {
      for (const { reject } of waiters) reject(this.#lost);
      return;
    }
    this.#reading = true;
    this.#read().then(
      (records) => {
        this.#reading = false;
        this.#latest = new Snapshot(records);
        for (const { resolve } of waiters) resolve(this.#latest);
        for (const observer of [...this.#observers]) observer.table(this.#latest);
        this.#next();
      },
      (error: PoolError) => {
        this.#reading = false;
        this.#lost = error;
        for (const { reject } of waiters) reject(error);
        for (const observer of [...this.#observers]) observer.lost(error);
        this.#observers.clear();
        this.#next();
      },
    );
  }

  #next(): void {
    if (this.#waiters.length > 0) this.#look();
    else this.reschedule();
  }
}
