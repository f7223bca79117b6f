/**
 * One writer for a partial file, among all processes of the machine. As in the lock of a device's listener, an abstract Unix
 * socket is the lock, since the kernel removes it with the process that holds it. Elsewhere than on Linux it holds within
 * the process only.
 *
 * A sender whose process died may leave its session behind: the kernel module keeps it alive. So a new sender takes over
 * from one that stays silent; what the old one sent is kept.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { bindAll, lockNames } from '../../base/abstract-names.js';
import { TransferFailure } from './failure.js';

/** ms between two looks at a sender that may be gone. */
const LOOK_EVERY_MS = 20;

/** Who writes a partial file, for others who would. */
export interface PartWriter {
  /** Messages that its sender has sent, and how long ago the last was; null for the latter while this side is at work. */
  heard(): { count: number; silentMs: number | null };
  /** Makes it give the file up. */
  stop(reason: Error): void;
  /** ms of silence after which it may be stopped. */
  patience: number;
  signal: AbortSignal;
}

const held = new Map<string, PartWriter>();

/** Takes the lock of `path`; gives what releases it. Rejects with a TransferFailure `busy`. */
export async function lockPart(path: string, writer: PartWriter): Promise<() => Promise<void>> {
  for (let other = held.get(path); other !== undefined; other = held.get(path)) await outlive(path, other, writer);
  held.set(path, writer);
  try {
    const release = process.platform === 'linux' ? await bindAll(lockNames('receive', path), bind) : null;
    return async () => {
      await release?.();
      held.delete(path);
    };
  } catch (error) {
    held.delete(path);
    throw (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? busy() : error;
  }
}

const busy = (): TransferFailure =>
  new TransferFailure('busy', 'another transfer writes a file of this name at the moment');

/** Until `other` has released the file. Rejects as soon as it shows that it is alive. */
async function outlive(path: string, other: PartWriter, { patience, signal }: PartWriter): Promise<void> {
  const { count } = other.heard();
  let stopped = false;
  while (held.get(path) === other) {
    const now = other.heard();
    if (!stopped && (now.count !== count || now.silentMs === null)) throw busy();
    if (!stopped && now.silentMs! >= patience) {
      stopped = true;
      other.stop(new TransferFailure('busy', 'its sender fell silent, and another one took over'));
    }
    await delay(LOOK_EVERY_MS, undefined, { signal });
  }
}

async function bind(name: string): Promise<() => Promise<void>> {
  const server = createServer((socket) => socket.destroy()).unref();
  await once(server.listen(name), 'listening');
  return () => new Promise((resolve) => void server.close(() => resolve()));
}
