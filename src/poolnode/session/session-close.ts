/** The two waits at the end of a session's life: for the peer to take what was sent, and for its FIN. */
import type { Socket } from 'node:net';
import type { PoolError } from '../../base/errors.js';
import { LINGER_MS } from '../constants.js';
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
  const timer = timers.setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once('close', () => timers.clearTimeout(timer));
  socket.unref();
  socket.resume();
}
