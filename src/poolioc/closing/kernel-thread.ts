/**
 * Kernel threads as /proc shows them. The module's `pool_rx_<index>` is the one sign that CLOSE_SESS on a slot doesn't
 * crash the machine (kernel contract, hazard 2).
 */

import { constants } from 'node:os';
import { listProcFolder, readProcFile } from '../../base/proc-file.js';
import type { Libc } from '../libc.js';

/** A kernel thread that was found, by what still has to be true of it. */
export interface KernelThread {
  pid: number;
  name: string;
}

/** The pid of kthreadd, the parent of all kernel threads. */
const KTHREADD = 2;

/**
 * Whether `stat`, the text of /proc/<pid>/stat, is that of a living kernel thread of this name. Any program may take a
 * kernel thread's name, but not its parent. Line: `pid (comm) state ppid ...`, proc(5).
 */
export function isKernelThread(stat: string | null, name: string): boolean {
  const fields = stat === null ? null : /^\d+ \((.*)\) (\S) (\d+)/s.exec(stat);
  if (fields === null) return false;
  const [, comm, state, parent] = fields;
  return comm === name && Number(parent) === KTHREADD && state !== 'Z' && state !== 'X';
}

const { EAGAIN, ESRCH } = constants.errno;

/**
 * The look right before CLOSE_SESS.
 * @returns 0 where the thread lives; else why the call must not be made: ESRCH, it has ended; EAGAIN, it can't be looked for now
 */
export function threadErrno({ pid, name }: KernelThread, libc: Pick<Libc, 'processStat'>): number {
  try {
    return isKernelThread(libc.processStat(pid), name) ? 0 : ESRCH;
  } catch {
    return EAGAIN;
  }
}

/**
 * What {@link findKernelThread} looks into. Paths are below /proc, '' being /proc itself. Both throw where they can't look at the
 * moment, as for want of descriptors: nothing follows from that.
 */
export interface ProcFiles {
  /** The text of a file; null where this process is shown none. */
  read(path: string): string | null;
  /** The names in a folder; none where this process is shown none. */
  list(path: string): readonly string[];
}

/** Whether this /proc shows kernel threads; in a container and under hidepid it doesn't, and absence proves nothing. */
export function kernelThreadsVisible(proc: ProcFiles): boolean {
  return proc.read(`${KTHREADD}/comm`)?.trim() === 'kthreadd';
}

/** Pids among which all kernel threads are. */
export function kernelThreadPids(proc: ProcFiles): number[] {
  const children = proc.read(`${KTHREADD}/task/${KTHREADD}/children`);
  // Without CONFIG_PROC_CHILDREN every process has to be looked at.
  const names = children === null ? proc.list('') : children.split(' ');
  return names.filter((name) => /^\d+$/.test(name)).map(Number);
}

/**
 * Looks for a living kernel thread: `pool_rx_<index>` has to be there before CLOSE_SESS on a slot of the module (kernel
 * contract, section 4, hazard 2). What it finds goes to `Device.closeSession` as the option `thread`, which looks again.
 * @returns `null` where there is none; `undefined` where kernel threads can't be seen, which proves nothing
 * @throws PoolError with the errno's name where /proc can't be read at the moment, as for want of descriptors (EMFILE)
 */
export function findKernelThread(name: string, proc: ProcFiles = machineProc): KernelThread | null | undefined {
  if (!kernelThreadsVisible(proc)) return undefined;
  const pid = kernelThreadPids(proc).find((candidate) => isKernelThread(proc.read(`${candidate}/stat`), name));
  return pid === undefined ? null : { pid, name };
}

/** The machine's /proc. Reads don't block: its files are made in memory. */
export const machineProc: ProcFiles = {
  read: (path) => readProcFile(`/proc/${path}`),
  list: (path) => listProcFolder(`/proc/${path}`),
};
