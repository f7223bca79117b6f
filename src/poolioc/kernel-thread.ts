/**
 * Kernel threads as /proc shows them. The module's `pool_rx_<index>` is the one sign that CLOSE_SESS on a slot doesn't
 * crash the machine (kernel contract, section 4, hazard 2).
 */

/** A kernel thread that was found, by what still has to be true of it. */
export interface KernelThread {
  pid: number;
  name: string;
}

/** The pid of kthreadd, the parent of all kernel threads. */
export const KTHREADD = 2;

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
