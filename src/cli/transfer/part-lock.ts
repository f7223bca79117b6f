/**
 * One writer for a partial file, among all processes of the machine. As in the lock of a device's listener, an abstract Unix
 * socket is the lock, since the kernel removes it with the process that holds it. Elsewhere than on Linux it holds within
 * the process only.
 */
import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { TransferFailure } from './failure.js';

/** Length of sun_path: filled up, so that every version of Node binds the same name. */
const SUN_PATH = 108;
const held = new Set<string>();

/** Takes the lock of `path`; gives what releases it. Rejects with a TransferFailure `busy`. */
export async function lockPart(path: string): Promise<() => Promise<void>> {
  const taken = new TransferFailure('busy', 'another transfer writes a file of this name at the moment');
  if (held.has(path)) throw taken;
  held.add(path);
  const server = process.platform === 'linux' ? createServer((socket) => socket.destroy()).unref() : null;
  try {
    if (server !== null) await bind(server, socketName(path));
  } catch (error) {
    held.delete(path);
    throw (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? taken : error;
  }
  return async () => {
    if (server !== null) await new Promise((resolve) => server.close(resolve));
    held.delete(path);
  };
}

function socketName(path: string): string {
  return `\0pool-ts.receive.${createHash('sha256').update(path).digest('hex').slice(0, 32)}`.padEnd(SUN_PATH, '.');
}

function bind(server: Server, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(name, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
