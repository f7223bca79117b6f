/** CLOSE_SESS, only where it is safe (kernel contract, section 4, hazards 2 and 12). */
import type { CloseSessionOptions, KernelThread } from '../../poolioc/types.js';
import { within, type Clock } from './clock.js';
import { errnoName } from './errno.js';
import type { LeakedSlots } from './leaked-slots.js';
import type { SessionTable } from './session-table.js';
import type { Signs } from './signs.js';

/** `gone`: the slot is no longer that session's. `late`: CLOSE_SESS has not returned in time. */
export type CloseOutcome = 'closed' | 'gone' | 'leaked' | 'late';

export interface SlotCloserOptions {
  closeSession(index: number, options: Pick<CloseSessionOptions, 'abort' | 'thread'>): Promise<void>;
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

  /**
   * Closes a session that no SEND and no RECV of this process is in. Never rejects; waits for `timeout` ms at most.
   * `abort`: without CLOSE, which a device served by pool-ts can, and whatever is in it.
   */
  async close(index: number, id: string, timeout: number, abort = false): Promise<CloseOutcome> {
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
    const verdict = signs.mayClose(index);
    if (!verdict.safe) {
      leaks.add(index, verdict.why);
      return 'leaked';
    }
    // Hazard 2: the thread that makes the call looks again, since it may be long in coming.
    const call = this.#close(index, { abort, thread: verdict.thread }).then(
      () => 'closed' as const,
      (error: unknown) => (errnoName(error) === 'ESRCH' ? ('leaked' as const) : ('gone' as const)),
    );
    const outcome = await within(clock, timeout, call, 'late' as const);
    if (outcome === 'leaked') leaks.add(index, 'thread-gone');
    if (outcome === 'late') {
      // Hazard 12: it waits for the session's send lock, and not even SIGKILL would end it.
      leaks.add(index, 'close-stuck');
      void call.then((late) => {
        if (late === 'leaked') leaks.add(index, 'thread-gone');
        else leaks.remove(index);
      });
    }
    return outcome;
  }

  /** A device that somebody else serves doesn't know how to abort. */
  async #close(index: number, how: { abort: boolean; thread: KernelThread | undefined }): Promise<void> {
    const options = this.#options;
    try {
      await options.closeSession(index, how);
    } catch (error) {
      if (!how.abort || errnoName(error) !== 'EINVAL') throw error;
      await options.closeSession(index, { ...how, abort: false });
    }
  }
}
