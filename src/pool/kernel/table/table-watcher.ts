/**
 * Waits for changes of the session table on behalf of all who asked: one thread of the process waits or looks, and this one
 * hears of it when there is something to see.
 */
import type { TableState } from '../../../poolioc/types.js';
import type { KernelDevice } from '../calls/device.js';
import { wasCancelled } from '../calls/call-errors.js';

/** What has to be noticed, and how soon, where the device doesn't tell by itself. */
export interface WatchInterest {
  /** ms between two looks at least. */
  interval: number;
  /** What sessions receive is news. */
  counters: boolean;
}

export interface TableWatcherOptions {
  device: Pick<KernelDevice, 'tableChange'>;
  /** The table is not what it was, or can't be watched any more: time for a look. */
  changed(): void;
  /** Fulfils after a while. */
  pause(): Promise<void>;
}

export class TableWatcher {
  readonly #options: TableWatcherOptions;
  #interest: WatchInterest | null = null;
  #state: TableState | null = null;
  #waiting: AbortController | null = null;

  constructor(options: TableWatcherOptions) {
    this.#options = options;
  }

  /** The listening port, where the device tells it: 0 for none, null where it does not. */
  get port(): number | null {
    return this.#state?.port ?? null;
  }

  /** Null: nobody wants to know. */
  want(interest: WatchInterest | null): void {
    const before = this.#interest;
    this.#interest = interest;
    if (interest !== null && this.#waiting === null) {
      void this.#run();
      return;
    }
    if (interest === null || !this.#covers(before, interest)) this.#waiting?.abort();
  }

  /** Whether the call that waits on behalf of `before` tells of all that `interest` wants, and no more often than it wants. */
  #covers(before: WatchInterest | null, { interval, counters }: WatchInterest): boolean {
    // A device that tells by itself is asked at no interval, and of messages it tells few beside what it is asked for.
    if ((this.#state?.number ?? null) !== null) return before?.counters === true || !counters;
    return interval === before?.interval && counters === before.counters;
  }

  async #run(): Promise<void> {
    for (let interest = this.#interest; interest !== null; interest = this.#interest) {
      this.#waiting = new AbortController();
      const { signal } = this.#waiting;
      try {
        this.#state = await this.#options.device.tableChange(this.#state, { ...interest, signal });
      } catch (error) {
        if (wasCancelled(error)) continue;
        // Whoever looks finds out what is wrong with the device; where nothing is, as for want of a thread, it is watched again.
        this.#options.changed();
        await this.#options.pause();
        continue;
      }
      // What changed while nobody wanted to know is known by the look that they begin with.
      if (!signal.aborted) this.#options.changed();
    }
    this.#waiting = null;
  }
}
