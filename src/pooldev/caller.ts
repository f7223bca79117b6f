/** Who made a call: what the kernel says of it, and when its thread started. */
import { closeSync, openSync, readSync } from 'node:fs';

export interface Caller {
  /** The calling thread, in this process's pid namespace; 0 where it is in another one. */
  pid: number;
  uid: number;
}

const statBytes = Buffer.alloc(1024);

/**
 * When the thread `pid` started, in clock ticks since boot, or null where there is no such thread. A pid is given again
 * after its owner ends; pid and start time together name one thread for ever.
 */
export function startTime(pid: number): bigint | null {
  let fd: number | undefined;
  try {
    fd = openSync(`/proc/${pid}/stat`, 'r');
    return parseStartTime(statBytes.toString('latin1', 0, readSync(fd, statBytes)));
  } catch {
    return null;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Field 22 of /proc/<pid>/stat (proc(5)). Field 2, the name, may hold blanks and parentheses: count from its end. */
export function parseStartTime(stat: string): bigint | null {
  const afterName = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const field = afterName[22 - 3];
  return field !== undefined && /^\d+$/.test(field) ? BigInt(field) : null;
}
