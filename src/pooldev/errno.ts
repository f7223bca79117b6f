/** Error numbers of the system, and the PoolErrors that name them. */
import { constants } from 'node:os';
import { PoolError } from '../errors.js';

/** errno.h: positive numbers by name. */
export const Errno = constants.errno;

const names = new Map(Object.entries(Errno).map(([name, number]) => [number, name]));

/** `EINVAL` for 22; a number that has no name here stays one. */
export function errnoName(errno: number): string {
  // EAGAIN and EWOULDBLOCK share a number, as do ENOTSUP and EOPNOTSUPP: the usual name wins.
  if (errno === Errno.EAGAIN) return 'EAGAIN';
  return names.get(errno) ?? `errno ${errno}`;
}

/** A PoolError for a system call that gave `errno`; `sentence` says what failed, where, and what to do. */
export function systemError(errno: number, syscall: string, sentence: string, cause?: unknown): PoolError {
  return new PoolError(errnoName(errno), sentence, { errno, syscall, cause });
}
