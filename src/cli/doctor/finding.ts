/** What one check of `pool-ts doctor` found. */
import type { BackendChoice } from '../../index.js';
import { printable } from '../screen/text-width.js';

/** `warn`: it works, though less of it than could be. `fail`: something that was asked for does not work. */
export type Status = 'ok' | 'warn' | 'fail';

export interface Finding {
  /** What was looked at, in a word or two. */
  check: string;
  status: Status;
  /** What works, or what does not. One line. */
  says: string;
  /** What to do about it. */
  next?: string;
}

/** What programs of this environment ask for. */
export interface Wish {
  backend: BackendChoice;
  device: string;
  /** The device was named, by --device or POOL_DEVICE. */
  deviceNamed: boolean;
}

/** A missing device is a fault only where somebody counts on it. */
export const wantsDevice = ({ backend, deviceNamed }: Wish): boolean =>
  backend === 'kernel' || (backend === 'auto' && deviceNamed);

// A place of a mount is in some, and any user may mount a device, and name the place.
export const ok = (check: string, says: string): Finding => ({ check, status: 'ok', says: printable(says) });
export const warn = (check: string, says: string, next: string): Finding => advised(check, 'warn', says, next);
export const fail = (check: string, says: string, next: string): Finding => advised(check, 'fail', says, next);

function advised(check: string, status: Status, says: string, next: string): Finding {
  return { check, status, says: printable(says), next: printable(next) };
}
