/** The calls that a program makes while it ends, when no event loop runs any more. */
import { PoolError } from '../errors.js';
import { callError } from './device-errors.js';
import { closeSessionPlan, sessionsPlan, stopPlan, type Outcome } from './requests.js';
import { SENTINELS, abiMismatch } from './session-rows.js';
import type { KernelThread, SessionInfo, SyncDevice } from './types.js';
import type { CallPlan } from './worker-call.js';
import type { WorkerPool } from './worker-pool.js';

export interface SyncDeviceOptions {
  pool: WorkerPool;
  path: string;
  fd: number;
  /** The key of a slot: no CLOSE_SESS on one that a SEND is in. */
  slotKey: (index: number) => string;
  /** What has to live for CLOSE_SESS: the thread that is known, or one that is looked for. Throws where there is none. */
  receiverThread: (index: number, known: KernelThread | undefined) => KernelThread | undefined;
  /** ms left for all calls. */
  left: () => number;
}

export function syncDevice({ pool, path, fd, slotKey, receiverThread, left }: SyncDeviceOptions): SyncDevice {
  const call = <T>(operation: string, plan: CallPlan<Outcome<T>>): T | undefined => {
    const [outcome = null] = pool.callSync([plan], left());
    if (outcome === null) {
      throw new PoolError('ERR_POOL_TIMEOUT', `${operation} on ${path}: no result while the process was ending`);
    }
    const { ret, errno, value } = outcome;
    if (ret < 0) throw callError({ operation, path, syscall: 'ioctl', errno });
    return value;
  };
  return {
    sessions(): SessionInfo[] {
      let read = call('list sessions', sessionsPlan(fd, SENTINELS[0]))!;
      if (read.rows === null) read = call('list sessions', sessionsPlan(fd, SENTINELS[1]))!;
      if (read.rows === null) throw abiMismatch(path, read.count, read.written);
      return read.rows;
    },
    closeSessions(sessions) {
      const closable = sessions.flatMap(({ index, thread }) => {
        try {
          return [{ index, thread: receiverThread(index, thread) }];
        } catch {
          // Hazard 2: this one is left alone.
          return [];
        }
      });
      const plans = closable.map(({ index, thread }) => closeSessionPlan(fd, slotKey(index), index, thread));
      const outcomes = pool.callSync(plans, left());
      return closable.filter((_, at) => (outcomes[at]?.ret ?? -1) >= 0).map(({ index }) => index);
    },
    stop: () => call('stop listening', stopPlan(fd)),
  };
}
