/**
 * Slots that must be left alone: closing them would crash the machine, or can't be known not to (kernel contract, hazards
 * 2 and 12). Only a reboot gives them back, so the program's user is told, once.
 */

export type LeakReason =
  | 'thread-gone'
  | 'threads-invisible'
  | 'send-stuck'
  | 'close-stuck'
  | 'others-close'
  | 'close-failed'
  | 'exit';

const FOR_EVER = 'stays taken until the machine reboots';
const FOR_NOW = 'stays taken for now';

const REASONS: Record<LeakReason, [how: string, why: string]> = {
  'thread-gone': [
    FOR_EVER,
    'its receiver thread has ended, as it does when the other end closes first, and closing it then would crash the kernel',
  ],
  'threads-invisible': [
    FOR_EVER,
    "this process can't see kernel threads (a container, or /proc mounted with hidepid), so that closing it might crash the kernel",
  ],
  'send-stuck': [FOR_NOW, 'a SEND on it does not return, because the peer does not read'],
  'close-stuck': [FOR_NOW, "its CLOSE_SESS does not return, since something is stuck in the session's connection"],
  'others-close': [FOR_NOW, 'other programs close sessions (they hold the lock on the device file)'],
  'close-failed': [FOR_NOW, 'closing it failed, as for want of descriptors, threads or memory, and is tried again'],
  exit: [
    'stays taken',
    'the process ended, and it could not be closed in the time that this may take; `npx pool-ts sessions close` ' +
      'does it where that is safe',
  ],
};

export class LeakedSlots {
  readonly #device: string;
  readonly #warn: (message: string, code: string) => void;
  readonly #warnAtExit: (message: string, code: string) => void;
  readonly #slots = new Map<number, LeakReason>();
  #told = false;

  constructor(device: string, warn?: (message: string, code: string) => void) {
    this.#device = device;
    this.#warn = warn ?? ((message, code) => process.emitWarning(message, { code }));
    this.#warnAtExit = warn ?? warnAtExit;
  }

  /** Slots that this process left taken. */
  get count(): number {
    return this.#slots.size;
  }

  add(index: number, reason: LeakReason): void {
    this.#slots.set(index, reason);
    if (this.#told) return;
    this.#told = true;
    const [how, why] = REASONS[reason];
    this.#warn(
      `slot ${index} of the 64 of ${this.#device} ${how}: ${why}. ` +
        'Where a program can choose, the side whose slots matter closes first. Later slots are counted and not told.',
      'POOL_SESSION_LEAKED',
    );
  }

  /** When the process ends: all of them, since there is no later. */
  addAtExit(slots: readonly { index: number; reason: LeakReason }[]): void {
    const reasons = new Set(slots.map(({ reason }) => reason));
    for (const reason of reasons) {
      const indexes = slots.filter((slot) => slot.reason === reason).map(({ index }) => index);
      for (const index of indexes) this.#slots.set(index, reason);
      const [how, why] = REASONS[reason];
      const which = indexes.length === 1 ? `slot ${indexes[0]}` : `each of the slots ${indexes.join(', ')}`;
      this.#warnAtExit(`${which} of the 64 of ${this.#device} ${how}: ${why}`, 'POOL_SESSION_LEAKED');
    }
  }

  /** A call that was stuck returned after all. */
  remove(index: number): void {
    this.#slots.delete(index);
  }
}

/** emitWarning waits for a tick that doesn't come any more when the process ends. */
function warnAtExit(message: string, code: string): void {
  process.emit('warning', Object.assign(new Error(message), { name: 'Warning', code }));
}
