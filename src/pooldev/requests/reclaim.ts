/**
 * Which slot a full table gives up. The module gives up none: a slot stays taken until CLOSE_SESS, however its session
 * ended, and programs that end without that take the table with them.
 */
import type { DeviceSlot } from './device-slot.js';

/** ms after its end before a session gives its slot up: its program may be in a RECV of 5 s, and is to learn how it ended. */
const RECLAIM_AFTER = 6000;

/**
 * Of the slots whose session has ended some time ago, and that no call waits in: the one that ended first of those with
 * nothing left to read, else the one that ended first. `now` is of `performance.now`.
 */
export function reclaimableSlot(slots: readonly DeviceSlot[], now: number): DeviceSlot | null {
  const candidates = slots.filter(
    ({ endedAt, isBusy }) => endedAt !== null && !isBusy && now - endedAt >= RECLAIM_AFTER,
  );
  const read = candidates.filter(({ received }) => received.depth === 0);
  const oldest = (some: readonly DeviceSlot[]): DeviceSlot | null =>
    some.reduce<DeviceSlot | null>(
      (first, slot) => (first !== null && first.endedAt! <= slot.endedAt! ? first : slot),
      null,
    );
  return oldest(read) ?? oldest(candidates);
}
