/** CLOSE_SESS, only where it is safe (kernel contract, section 4, hazards 2 and 12). */
import { within, type Clock } from './clock.js';
import type { LeakedSlots } from './leaked-slots.js';
import type { SessionTable } from './session-table.js';
import type { Signs } from './signs.js';

/** `gone`: the slot is no longer that session's. `late`: CLOSE_SESS has not returned in time. */
export type CloseOutcome = 'closed' | 'gone' | 'leaked' | 'late';

export interface SlotCloserOptions {
  closeSession(index: number): Promise<void>;
  table: SessionTable;
  signs: Signs;
  leaks: LeakedSlots;
  clock: Clock;
}

export class SlotCloser {
  readonly #options: SlotCloserOptions;

  constructor(options: SlotCloserOptions) {
    this.#options = options;
  }

  /** Closes a session that no SEND and no RECV of this process is in. Never rejects; waits for `timeout` ms at most. */
  async close(index: number, id: string, timeout: number): Promise<CloseOutcome> {
    const { table, signs, leaks, clock } = this.#options;
    const snapshot = await table.refresh().catch(() => null);
    const record = snapshot?.at(index, id);
    // The slot may be another session's by now, even another program's.
    if (record === undefined) return 'gone';
    if (signs.module && record.state === 'CLOSING') {
      // Hazard 2: the thread may still be seen, but it is about to end.
      leaks.add(index, 'thread-gone');
      return 'leaked';
    }
    // Hazard 2: nothing may come between this check and the call.
    const verdict = signs.mayClose(index);
    if (verdict !== 'safe') {
      leaks.add(index, verdict);
      return 'leaked';
    }
    const call = this.#options.closeSession(index).then(
      () => 'closed' as const,
      () => 'gone' as const,
    );
    const outcome = await within(clock, timeout, call, 'late' as const);
    if (outcome === 'late') {
      // Hazard 12: it waits for the session's send lock, and not even SIGKILL would end it.
      leaks.add(index, 'close-stuck');
      void call.then(() => leaks.remove(index));
    }
    return outcome;
  }
}
