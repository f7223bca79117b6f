/** The calls that a program makes while it ends, when no event loop runs any more. */
import { constants } from 'node:os';
import { PoolError } from '../base/errors.js';
import { callError } from './device-errors.js';
import * as requests from './requests.js';
import { SENTINELS, abiMismatch } from './abi/session-table.js';
import type { SessionInfo, SessionToClose, SyncDevice } from './types.js';
import type { ThreadRequest } from './threads/thread-request.js';
import type { WorkerPool } from './threads/worker-pool.js';

export interface SyncDeviceOptions {
  pool: WorkerPool;
  path: string;
  fd: number;
  /** CLOSE_SESS of a session: not on one that a SEND is in, unless it is an abort. Throws where it is not safe. */
  close: (session: SessionToClose) => ThreadRequest<void>;
  /** On the module: the key that all closings share. They are made one after another then (kernel contract, hazard 2). */
  turn?: string | undefined;
  /** ms left for all calls. */
  left: () => number;
}

const { ENOENT } = constants.errno;

/** ms from when one CLOSE_SESS of the module is made, and for one that is under way, before the next has its turn (hazard 12). */
const STUCK_MS = 500;

export function syncDevice({ pool, path, fd, close, turn, left }: SyncDeviceOptions): SyncDevice {
  const closeInTurn = (sessions: readonly SessionToClose[], key: string): number[] => {
    // Hazard 2: nobody closes beside a thread of this process that is about to.
    if (!pool.endLease(key, STUCK_MS, left)) return [];
    return sessions.flatMap((session) => {
      if (left() <= 0) return [];
      try {
        const [outcome = null] = pool.callSync([close(session)], left(), STUCK_MS);
        // ENOENT: the slot is not this session's any more, such as by a thread that had begun to close it.
        const free = outcome !== null && (outcome.ret >= 0 || outcome.errno === ENOENT);
        return free ? [session.index] : [];
      } catch {
        // Hazard 2: this one is left alone.
        return [];
      }
    });
  };
  const call = <T>(operation: string, request: ThreadRequest<T>, stuck?: number): T | undefined => {
    const [outcome = null] = pool.callSync([request], left(), stuck);
    if (outcome === null) {
      throw new PoolError('ERR_POOL_TIMEOUT', `${operation} on ${path}: no result while the process was ending`);
    }
    const { ret, errno, value } = outcome;
    if (ret < 0) throw callError({ operation, path, syscall: 'ioctl', errno });
    return value;
  };
  // Nothing can be closed without the table: it has half of the time, and what comes after it the other.
  const list = (sentinel: number) => call('list sessions', requests.sessions(fd, sentinel), left() / 2)!;
  return {
    connected: () => pool.untold.filter(({ call }) => call.fd === fd).map(({ ret }) => ret),
    sessions(): SessionInfo[] {
      let read = list(SENTINELS[0]);
      if (read.rows === null) read = list(SENTINELS[1]);
      if (read.rows === null) throw abiMismatch(path, read.count, read.written);
      return read.rows;
    },
    closeSessions(sessions) {
      if (turn !== undefined) return closeInTurn(sessions, turn);
      const closings = sessions.flatMap((session) => {
        try {
          return [{ index: session.index, request: close(session) }];
        } catch {
          // Hazard 2: this one is left alone.
          return [];
        }
      });
      const outcomes = pool.callSync(
        closings.map(({ request }) => request),
        left(),
      );
      return closings.filter((_, at) => (outcomes[at]?.ret ?? -1) >= 0).map(({ index }) => index);
    },
    stop: () => call('stop listening', requests.stop(fd)),
  };
}
