/** The two waits at the end of a session's life: for the peer to take what was sent, and for its FIN. */
import type { Socket } from 'node:net';
import type { PoolError } from '../../base/errors.js';
import { LINGER_MS, MOST_SLOW_READERS, SLOW_READER_LOOK_MS, SLOW_READER_MS } from '../constants.js';
import { LONGEST_TIMER_MS, nodeTimers, type TimerFunctions } from '../../base/timers.js';

/** What of them a close needs. */
type ClosingTimers = Pick<TimerFunctions, 'setTimeout' | 'clearTimeout'>;

/** A graceful close in progress; calls that come later join it. */
export interface Closing {
  readonly promise: Promise<void>;
  /** The first call counts. */
  settle(error?: PoolError): void;
}

/** Calls `expired` when nobody settled it within `timeout` ms. The wait keeps the process alive: someone asked for it. */
export function beginClosing(timeout: number, expired: () => void, timers: ClosingTimers = nodeTimers): Closing {
  const timer = timers.setTimeout(expired, Math.min(timeout, LONGEST_TIMER_MS));
  let settle!: (error?: PoolError) => void;
  const promise = new Promise<void>((resolve, reject) => {
    settle = (error) => {
      timers.clearTimeout(timer);
      if (error === undefined) resolve();
      else reject(error);
    };
  });
  return { promise, settle };
}

/**
 * Reads on until the peer's FIN, for at most 1 s, and keeps nobody waiting for it. To destroy a socket that still has unread
 * input would reset the connection, and the reset could overtake what is under way to the peer.
 */
export function linger(socket: Socket, timers: ClosingTimers = nodeTimers): void {
  readOn(socket, () => null, timers);
}

/** Sockets of this process that linger for longer than `linger` does. */
const waiting = new Set<Socket>();

/**
 * As `linger`, after our own CLOSE: longer than a peer's HEARTBEAT takes, and on while it still sends, for at most a minute. It
 * lives then and has not come to CLOSE, so it reads slowly. What it has not read lies in both systems, and its next HEARTBEAT at
 * a socket that is gone would be answered by a reset, which wipes that out. Only so many sockets at a time, since peers could
 * hold descriptors by it that nobody counts: the slots of their sessions are free already.
 */
export function lingerForSlowReader(
  socket: Socket,
  timers: ClosingTimers = nodeTimers,
  others: Set<Socket> = waiting,
): void {
  let read = socket.bytesRead;
  let looks = 0;
  const more = (): number | null => {
    looks += 1;
    if (looks === 1) {
      if (others.size >= MOST_SLOW_READERS) return null;
      others.add(socket);
      return SLOW_READER_LOOK_MS - LINGER_MS;
    }
    const before = read;
    read = socket.bytesRead;
    return read > before && looks * SLOW_READER_LOOK_MS <= SLOW_READER_MS ? SLOW_READER_LOOK_MS : null;
  };
  socket.once('close', () => others.delete(socket));
  readOn(socket, more, timers);
}

/** `more` is asked after 1 s, and after each time that it gave, how many ms more there are; null for none. */
function readOn(socket: Socket, more: () => number | null, timers: ClosingTimers): void {
  const look = (): void => {
    const ms = more();
    if (ms === null) socket.destroy();
    else timer = timers.setTimeout(look, ms).unref();
  };
  let timer = timers.setTimeout(look, LINGER_MS).unref();
  socket.once('close', () => timers.clearTimeout(timer));
  socket.unref();
  socket.resume();
}
