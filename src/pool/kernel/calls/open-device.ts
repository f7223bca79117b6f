/** Opening the device file. What to do about one that is missing or forbidden, the choice of the backend says. */
import { realpath, stat } from 'node:fs/promises';
import { PoolError } from '../../../base/errors.js';
import type { PoolDevice } from '../../../poolioc/types.js';

export type OpenDevice = (path: string) => Promise<PoolDevice>;

/** Opens with poolioc, which is loaded only here: koffi and the structs are for the kernel path alone. */
export const openWithPoolioc: OpenDevice = async (path) => {
  const { Device } = await import('../../../poolioc/index.js');
  return Device.open(path);
};

/** What identifies a device file whatever path led to it, and tells it from another one at the same path later. */
export async function identifyDevice(path: string): Promise<string> {
  try {
    const { dev, ino, rdev } = await stat(path);
    return rdev !== 0 ? `character ${rdev}` : `${await realpath(path)} ${dev} ${ino}`;
  } catch (cause) {
    const { code, errno } = cause as NodeJS.ErrnoException;
    // FUSE's word for a mount whose server has ended.
    if (code !== 'ENOTCONN') throw cause;
    throw new PoolError(code, `the program that served ${path} has ended: start it again (npx pool-ts device)`, {
      errno: errno === undefined ? undefined : Math.abs(errno),
      syscall: 'stat',
      cause,
    });
  }
}
