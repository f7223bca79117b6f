/**
 * The receiver thread of a session of the module, looked for where a caller of CLOSE_SESS names none: without it the call
 * crashes the kernel, and where it can't be seen, it might (kernel contract, hazard 2).
 */
import { constants } from 'node:os';
import { PoolError } from '../../base/errors.js';
import { callError } from '../device-errors.js';
import { findKernelThread, type KernelThread, type ProcFiles } from './kernel-thread.js';

/** @throws PoolError ESRCH where the thread has ended, and where kernel threads can't be seen; see {@link findKernelThread} */
export function receiverThread(path: string, index: number, proc?: ProcFiles): KernelThread {
  const operation = `close session ${index}`;
  const thread = findKernelThread(`pool_rx_${index}`, proc);
  const { ESRCH } = constants.errno;
  if (thread === null) throw callError({ operation, path, syscall: 'ioctl', errno: ESRCH });
  if (thread !== undefined) return thread;
  throw new PoolError(
    'ESRCH',
    `${operation} on ${path}: kernel threads can't be seen from here (a container, or /proc mounted with hidepid), and ` +
      'without its receiver thread closing it would crash the kernel; the call was not made',
    { errno: ESRCH, syscall: 'ioctl' },
  );
}
