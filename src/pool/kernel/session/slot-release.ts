/**
 * How a session gives its slot back: after the RECV and the SEND that are inside it, only where it is safe, and again where its
 * turn did not come or it failed (kernel contract, hazards 2, 4 and 12).
 */
import { PoolError } from '../../../base/errors.js';
import { within, type KernelClock } from '../calls/kernel-clock.js';
import type { LeakedSlots } from '../table/leaked-slots.js';
import type { ReceiveScheduler } from './receive-scheduler.js';
import type { SendQueue } from './send-queue.js';
import type { CloseOutcome, ClosingSession, SlotCloser } from './slot-closer.js';
import type { Recipient, Slot } from './slot.js';

/** ms to wait for a RECV to be taken back, which takes far less; a device that can't is left to its own 5 s. */
const TAKE_BACK_MS = 1000;
/** ms for the SEND that runs when a session ends: it mostly returns because of that. Later its slot counts as leaked. */
const SEND_RETURN_MS = 1000;
/** ms for a CLOSE_SESS that nobody waits for before its slot counts as leaked. */
export const BACKGROUND_CLOSE_MS = 5000;
/** ms until a slot is tried again whose turn to be closed did not come, or which could not be closed. */
const CLOSE_AGAIN_MS = 1000;

/** Outcomes after which it is tried again. */
const AGAIN: ReadonlySet<CloseOutcome> = new Set(['waiting', 'failed']);

export interface SlotReleaseDeps {
  /** What is looked at when the slot is closed: it may have changed by then. */
  session: ClosingSession & Recipient;
  slot: Slot;
  sends: SendQueue;
  receives: ReceiveScheduler;
  leaks: LeakedSlots;
  closer: SlotCloser;
  clock: KernelClock;
  /** The session owns its slot no more. */
  released: () => void;
}

export class SlotRelease {
  readonly #deps: SlotReleaseDeps;
  #stuck = false;

  constructor(deps: SlotReleaseDeps) {
    this.#deps = deps;
  }

  /** Whether CLOSE_SESS was made and has not returned in its time. */
  get stuck(): boolean {
    return this.#stuck;
  }

  /** Waits `timeout` ms at most from CLOSE_SESS on. `abort`: without CLOSE, where the device can. */
  async begin(timeout: number, abort: boolean): Promise<CloseOutcome> {
    const { clock, receives, leaks, sends, session, slot } = this.#deps;
    const { index } = session;
    if (slot.recipient === session) {
      slot.recipient = null;
      // Hazard 4: a RECV left waiting would take the next session's message.
      await within(clock, TAKE_BACK_MS, receives.leave(slot), undefined);
    }
    // Hazard 12: no CLOSE_SESS while a SEND runs; its thread can wait for it as long as the peer likes.
    if (sends.sending && !abort && (await within(clock, SEND_RETURN_MS, sends.idle(), 'stuck'))) {
      leaks.add(index, 'send-stuck');
      await sends.idle();
      leaks.remove(index);
    }
    return this.#close(timeout, abort);
  }

  /** It stays this process's, for the end of the process, until the slot is free or must be left for good. */
  async #close(timeout: number, abort: boolean): Promise<CloseOutcome> {
    const { clock, closer, session, released } = this.#deps;
    const { outcome, over } = await closer.close(session, timeout, abort);
    this.#stuck = outcome === 'late';
    const ended = (end: CloseOutcome): void => {
      this.#stuck = false;
      if (!AGAIN.has(end)) released();
      else clock.after(CLOSE_AGAIN_MS, () => void this.#close(BACKGROUND_CLOSE_MS, abort));
    };
    if (outcome === 'late' || AGAIN.has(outcome)) void over.then(ended);
    else ended(outcome);
    return outcome;
  }
}

const TRIED_AGAIN = 'it is tried again, also at the end of this process';

/** What `close` rejects with where the slot is not free after `patience` ms; null where it is, or will never be. */
export function closedLate(index: number, outcome: CloseOutcome, patience: number): PoolError | null {
  const what = `slot ${index} stays taken for now: `;
  switch (outcome) {
    case 'late': {
      const ms = Math.round(patience);
      const why = `CLOSE_SESS did not return within ${ms} ms, since something is stuck in the session's connection`;
      return new PoolError('ERR_POOL_TIMEOUT', what + why, { syscall: 'ioctl' });
    }
    case 'waiting': {
      const why = 'other programs close sessions (they hold the lock on the device file), and its turn has not come';
      return new PoolError('ERR_POOL_TIMEOUT', `${what + why}; ${TRIED_AGAIN}`);
    }
    case 'failed': {
      const why = 'closing it failed, as for want of descriptors, threads or memory';
      return new PoolError('ERR_POOL_TIMEOUT', `${what + why}; ${TRIED_AGAIN}`);
    }
    default:
      return null;
  }
}
