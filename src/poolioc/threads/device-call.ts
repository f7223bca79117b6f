/** One call of a device from the caller's side: the signal, the timeout, and what a result means. */
import { onAbort } from '../../base/abort.js';
import type { CallOptions } from '../types.js';
import type { WorkerCall } from './worker-call.js';
import { clearTimeout, LONGEST_TIMER_MS, setTimeout } from '../../base/timers.js';

/** What a call rejects with when its timeout passed: made an error of where the caller's stack is known. */
export const TIMED_OUT = Symbol('timed out');
/** What a call rejects with that its caller has stopped. */
export const STOPPED = Symbol('stopped');
/** What a call rejects with when its device is closed. */
export const CLOSED = Symbol('closed');

/** Takes `call` back when `options` say so. Settles as the call does. */
export async function settled<T>(call: WorkerCall<T>, { signal, timeout }: CallOptions, ref: boolean): Promise<T> {
  const done = onAbort(signal, (reason) => call.cancel({ reason }));
  let timer: NodeJS.Timeout | undefined;
  if (timeout !== undefined && timeout <= LONGEST_TIMER_MS) {
    timer = setTimeout(() => void call.cancel({ reason: TIMED_OUT }), timeout);
    if (!ref) timer.unref();
  }
  try {
    return await call.promise;
  } finally {
    done();
    clearTimeout(timer);
  }
}
