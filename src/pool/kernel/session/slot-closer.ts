/** CLOSE_SESS, only where it is safe (kernel contract, hazards 2 and 12). */
import type { CloseSessionOptions } from '../../../poolioc/types.js';
import { within, type KernelClock } from '../calls/kernel-clock.js';
import { errnoNameIn } from '../calls/call-errors.js';
import type { LeakedSlots, LeakReason } from '../table/leaked-slots.js';
import type { DeviceTable } from '../table/device-table.js';
import type { CloseVerdict, SessionProbe } from './session-probe.js';

/**
 * `gone`: the slot is no longer that session's. `waiting`: other programs close, and CLOSE_SESS has not been made. `failed`: it
 * could not be made, for a reason that passes. `late`: it has not returned in time.
 */
export type CloseOutcome = 'closed' | 'gone' | 'leaked' | 'waiting' | 'failed' | 'late';

export interface SlotClosing {
  /** As far as it came in the time that somebody waits. */
  outcome: CloseOutcome;
  /** Settles when the call has come back: whether the slot is free. It may be never; the slot is open until then. */
  over: Promise<CloseOutcome>;
}

export interface SlotCloserOptions {
  closeSession(index: number, options: CloseSessionOptions): Promise<void>;
  table: DeviceTable;
  probe: SessionProbe;
  leaks: LeakedSlots;
  clock: KernelClock;
}

/** A session to close that no SEND and no RECV of this process is in. */
export interface ClosingSession {
  index: number;
  id: string;
  /** Its other end was seen in the table too. */
  pair: boolean;
}

/**
 * ms for the turn: the device gives up earlier, since one closing of another program is bounded. It is so long for threads
 * that are slow to start on a busy machine.
 */
const TURN_MS = 20_000;

export class SlotCloser {
  readonly #options: SlotCloserOptions;

  constructor(options: SlotCloserOptions) {
    this.#options = options;
  }

  /**
   * Never rejects. Waits for its turn, then `timeout` ms at most from CLOSE_SESS on. `abort`: without CLOSE, which a device
   * served by pool-ts can, and whatever is in it.
   */
  async close(session: ClosingSession, timeout: number, abort = false): Promise<SlotClosing> {
    const { table, probe, leaks, clock } = this.#options;
    const { index, id } = session;
    const snapshot = await table.refresh().catch(() => null);
    const record = snapshot?.at(index, id);
    // The slot may be another session's by now, even another program's.
    if (snapshot === null || record === undefined) return settled('gone');
    const pair = session.pair || snapshot.otherEnd(record) !== undefined;
    if (probe.module && record.state === 'CLOSING') {
      // Hazard 2: the thread may still be seen, but it is about to end.
      leaks.add(index, 'thread-gone');
      return settled('leaked');
    }
    const verdict = this.#verdict(index);
    if (verdict === null) {
      this.#count(index, 'failed');
      return settled('failed');
    }
    if (!verdict.safe) {
      leaks.add(index, verdict.why);
      return settled('leaked');
    }
    // Hazard 2: the thread that makes the call looks again, since it may be long in coming.
    let called = (): void => {};
    const call = new Promise<'called'>((resolve) => (called = () => resolve('called')));
    const how = { abort, thread: verdict.thread, sessionId: Buffer.from(id, 'hex'), pair, onCall: called };
    const over = this.#close(index, how).then(
      () => 'closed' as const,
      (error: unknown) => outcomeOf(error, probe.module),
    );
    // A served device has no turns, and tells no call.
    if (!probe.module) called();
    const begun = await within(clock, TURN_MS, Promise.race([call, over]), 'waiting' as const);
    const outcome = begun === 'called' ? await within(clock, timeout, over, 'late' as const) : begun;
    this.#count(index, outcome);
    // Hazard 12: it waits for the session's send lock, and not even SIGKILL would end it.
    if (outcome === 'late' || outcome === 'waiting') void over.then((end) => this.#count(index, end));
    return { outcome, over };
  }

  /** Null where it can't be looked for at the moment. */
  #verdict(index: number): CloseVerdict | null {
    try {
      return this.#options.probe.mayClose(index);
    } catch {
      return null;
    }
  }

  #count(index: number, outcome: CloseOutcome): void {
    const { leaks } = this.#options;
    const reason = LEAKS[outcome];
    if (reason === undefined) leaks.remove(index);
    else leaks.add(index, reason);
  }

  /** A device that somebody else serves doesn't know how to abort. */
  async #close(index: number, how: CloseSessionOptions): Promise<void> {
    const options = this.#options;
    try {
      await options.closeSession(index, how);
    } catch (error) {
      if (how.abort !== true || errnoNameIn(error) !== 'EINVAL') throw error;
      await options.closeSession(index, { ...how, abort: false });
    }
  }
}

const LEAKS: Partial<Record<CloseOutcome, LeakReason>> = {
  leaked: 'thread-gone',
  waiting: 'others-close',
  failed: 'close-failed',
  late: 'close-stuck',
};

/** Only what says that nothing is left to close gives a slot of the module up: it would be lost until a reboot. */
function outcomeOf(error: unknown, module: boolean): CloseOutcome {
  const name = errnoNameIn(error);
  if (name === 'ESRCH') return 'leaked';
  if (name === 'EBUSY') return 'waiting';
  return !module || name === 'ENOENT' || name === 'ERR_POOL_CLOSED' ? 'gone' : 'failed';
}

function settled(outcome: CloseOutcome): SlotClosing {
  return { outcome, over: Promise.resolve(outcome) };
}
