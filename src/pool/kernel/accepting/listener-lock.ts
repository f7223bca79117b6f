/**
 * One listening process per device: two of them would both take each session. An abstract Unix socket is the lock, since
 * the kernel removes it with the process that holds it; whoever connects is told who that is.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { bindAll, lockNames } from '../../../base/abstract-names.js';
import { PoolError } from '../../../base/errors.js';

/** ms for the holder to say who it is. */
const ANSWER_MS = 500;

export interface ListenerLock {
  release(): Promise<void>;
}

/**
 * @param device what identifies the device file
 * @param shown its path, for the message
 * @returns rejects with EADDRINUSE that names the process which holds it
 */
export async function lockListener(device: string, shown: string, pid = process.pid): Promise<ListenerLock> {
  const release = await bindAll(lockNames('listen', device), async (name) => {
    try {
      return await hold(name, pid);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
      const holder = await ask(name);
      const who = holder === null ? 'another process' : Number(holder) === pid ? 'this process' : `process ${holder}`;
      throw new PoolError(
        'EADDRINUSE',
        `${who} listens on ${shown} already, and two listeners would both take each session`,
        { syscall: 'listen', cause },
      );
    }
  });
  return { release };
}

/** Binds `name`, and tells whoever connects to it `pid`; gives what releases it. */
async function hold(name: string, pid: number): Promise<() => Promise<void>> {
  const asking = new Set<Socket>();
  const server = createServer((socket) => {
    asking.add(socket);
    socket.on('close', () => asking.delete(socket));
    socket.on('error', () => {});
    socket.end(String(pid));
  });
  server.unref();
  await once(server.listen(name), 'listening');
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      // One that asks and doesn't hang up would hold up the end.
      for (const socket of asking) socket.destroy();
    });
}

/** The pid of the holder; null when it doesn't say. */
function ask(name: string): Promise<string | null> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(name);
    socket.setTimeout(ANSWER_MS, () => socket.destroy());
    socket.setEncoding('latin1');
    socket.on('data', (data: string) => {
      text += data;
      if (text.length > 16) socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(/^\d+$/.test(text) ? text : null));
  });
}
