/** A system call of the device's server that failed. */
import { errnoName } from '../base/errno.js';
import { PoolError } from '../base/errors.js';

/** A PoolError for a system call that gave `errno`; `sentence` says what failed, where, and what to do. */
export function systemError(errno: number, syscall: string, sentence: string, cause?: unknown): PoolError {
  return new PoolError(errnoName(errno), sentence, { errno, syscall, cause });
}
