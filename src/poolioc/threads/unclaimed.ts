/** Messages that were received, and found no room where they were to go: the memory was detached or shrank meanwhile. */
import { PoolError } from '../../base/errors.js';
import type { RecvResult } from '../types.js';

interface Unclaimed {
  result: RecvResult;
  message: Uint8Array;
}

/** The next receive of the same session and channel takes them. */
export class UnclaimedMessages {
  readonly #waiting = new Map<string, Unclaimed[]>();

  keep(session: number, channel: number, unclaimed: Unclaimed): void {
    const key = `${session} ${channel}`;
    this.#waiting.set(key, [...(this.#waiting.get(key) ?? []), unclaimed]);
  }

  /** The oldest, copied to `buffer`; null where there is none. @throws PoolError EMSGSIZE as the device, and keeps it */
  take(session: number, channel: number, buffer: Uint8Array): RecvResult | null {
    const key = `${session} ${channel}`;
    const [first, ...rest] = this.#waiting.get(key) ?? [];
    if (first === undefined) return null;
    const { length } = first.message;
    if (length > buffer.length) {
      const reason = `the buffer of ${buffer.length} bytes is smaller than the message of ${length}, which stays queued`;
      throw new PoolError('EMSGSIZE', `receive from session ${session}: ${reason}`, { syscall: 'ioctl' });
    }
    buffer.set(first.message);
    if (rest.length === 0) this.#waiting.delete(key);
    else this.#waiting.set(key, rest);
    return first.result;
  }

  drop(session: number): void {
    for (const key of [...this.#waiting.keys()]) if (key.startsWith(`${session} `)) this.#waiting.delete(key);
  }
}
