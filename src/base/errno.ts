/** Error numbers of the system: errno.h by name and by number. */
import { constants } from 'node:os';
import { PoolError } from './errors.js';

/** Positive numbers by name: `Errno.EINVAL` is 22 on Linux. */
export const Errno = constants.errno;

const names = new Map(Object.entries(Errno).map(([name, number]) => [number, name]));
// Two names each on Linux: the one that manuals use.
names.set(Errno.EAGAIN, 'EAGAIN');
names.set(Errno.EOPNOTSUPP, 'EOPNOTSUPP');

/** `ENOTTY` for 25. Linux's numbers beyond Node's list keep their number: `errno 133`. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`;
}

/** A PoolError for a system call that gave `errno`; `sentence` says what failed, where, and what to do. */
export function systemError(errno: number, syscall: string, sentence: string, cause?: unknown): PoolError {
  return new PoolError(errnoName(errno), sentence, { errno, syscall, cause });
}
