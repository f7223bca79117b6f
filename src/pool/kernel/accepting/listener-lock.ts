/**
 * One listening process per device: two of them would both take each session. An abstract Unix socket is the lock, since
 * the kernel removes it with the process that holds it; whoever connects is told who that is.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { PoolError } from '../../../base/errors.js';

/** Length of sun_path. */
const SUN_PATH = 108;
/** ms for the holder to say who it is. */
const ANSWER_MS = 500;

/**
 * The lock's names, all of which a holder has; `device` identifies the device file, not the path that led to it. One fills
 * sun_path, so that every version of Node binds the same (some append NULs to a shorter one, some don't); Bun binds none that
 * long (EINVAL), and has the other alone.
 */
export function lockNames(device: string): readonly string[] {
  const digest = createHash('sha256').update(device).digest('hex').slice(0, 32);
  return [SUN_PATH, SUN_PATH - 1].map((length) => `\0pool-ts.listen.${digest}`.padEnd(length, '.'));
}

export interface ListenerLock {
  release(): Promise<void>;
}

/**
 * @param device what identifies the device file
 * @param shown its path, for the message
 * @returns rejects with EADDRINUSE that names the process which holds it
 */
export async function lockListener(device: string, shown: string, pid = process.pid): Promise<ListenerLock> {
  const held: ListenerLock[] = [];
  const release = async (): Promise<void> => {
    await Promise.all(held.map((one) => one.release()));
  };
  let refused: unknown;
  for (const name of lockNames(device)) {
    try {
      held.push(await hold(name, pid));
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      refused = cause;
      if (code === 'EINVAL') continue;
      await release();
      if (code !== 'EADDRINUSE') throw cause;
      const holder = await ask(name);
      const who = holder === null ? 'another process' : Number(holder) === pid ? 'this process' : `process ${holder}`;
      throw new PoolError(
        'EADDRINUSE',
        `${who} listens on ${shown} already, and two listeners would both take each session`,
        { syscall: 'listen', cause },
      );
    }
  }
  if (held.length === 0) throw refused;
  return { release };
}

/** Binds `name`, and tells whoever connects to it `pid`. */
async function hold(name: string, pid: number): Promise<ListenerLock> {
  const asking = new Set<Socket>();
  const server = createServer((socket) => {
    asking.add(socket);
    socket.on('close', () => asking.delete(socket));
    socket.on('error', () => {});
    socket.end(String(pid));
  });
  server.unref();
  await once(server.listen(name), 'listening');
  return {
    release: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        // One that asks and doesn't hang up would hold up the end.
        for (const socket of asking) socket.destroy();
      }),
  };
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
