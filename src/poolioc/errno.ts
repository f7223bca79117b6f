/** The names of errno values. */
import { constants } from 'node:os';

const names = new Map(Object.entries(constants.errno).map(([name, errno]) => [errno, name]));
// Two names each on Linux: the one that manuals use.
names.set(constants.errno.EAGAIN, 'EAGAIN');
names.set(constants.errno.EOPNOTSUPP, 'EOPNOTSUPP');

/** `ENOTTY` for 25. Linux's numbers beyond Node's list keep their number: `errno 133`. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`;
}
