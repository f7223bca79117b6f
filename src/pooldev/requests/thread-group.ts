/** Which process a calling thread belongs to: FUSE names the thread. */
import { readFileSync } from 'node:fs';

/** From /proc/<thread>/status, 0.05 ms; the thread itself where that can't be read. */
export function threadGroup(thread: number): number {
  try {
    return Number(/^Tgid:\s*(\d+)$/m.exec(readFileSync(`/proc/${thread}/status`, 'latin1'))?.[1] ?? thread);
  } catch {
    return thread;
  }
}
