/**
 * Slots that must be left alone: closing them would crash the machine, or can't be known not to (kernel contract, section
 * 4, hazards 2 and 12). Only a reboot gives them back, so the program's user is told, once.
 */

export type LeakReason = 'thread-gone' | 'threads-invisible' | 'send-stuck' | 'close-stuck';

const REASONS: Record<LeakReason, string> = {
  'thread-gone':
    'its receiver thread has ended, as it does when the peer closes first, and closing it then would crash the kernel',
  'threads-invisible':
    "this process can't see kernel threads (a container, or /proc mounted with hidepid), so that closing it might crash the kernel",
  'send-stuck': 'a SEND on it does not return, because the peer does not read',
  'close-stuck': 'its CLOSE_SESS does not return, because the peer does not read',
};

export class LeakedSlots {
  readonly #device: string;
  readonly #warn: (message: string, code: string) => void;
  readonly #slots = new Map<number, LeakReason>();
  #told = false;

  constructor(device: string, warn = (message: string, code: string): void => process.emitWarning(message, { code })) {
    this.#device = device;
    this.#warn = warn;
  }

  /** Slots that this process left taken. */
  get count(): number {
    return this.#slots.size;
  }

  add(index: number, reason: LeakReason): void {
    this.#slots.set(index, reason);
    if (this.#told) return;
    this.#told = true;
    this.#warn(
      `slot ${index} of the 64 of ${this.#device} stays taken until the machine reboots: ${REASONS[reason]}. ` +
        'Where a program can choose, the side whose slots matter closes first. Later slots are counted and not told.',
      'POOL_SESSION_LEAKED',
    );
  }

  /** A call that was stuck returned after all. */
  remove(index: number): void {
    this.#slots.delete(index);
  }
}
