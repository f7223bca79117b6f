/** What a worker does with an order: the system call, and when an interrupted one is made again. */
import { performance } from '../../base/timers.js';
import { constants } from 'node:os';
import { Word, type CallMemory } from './call-memory.js';
import { closeSlot } from '../closing/close-slot.js';
import { threadErrno } from '../closing/kernel-thread.js';
import { makeReceives, makeSends, type Run } from './transfers.js';
import { O_CLOEXEC, O_RDWR, type CallResult, type Libc } from '../libc.js';
import { watchTable } from './table-change.js';
import type { SyscallRequest, WorkerSays } from './worker-messages.js';

const { EINTR } = constants.errno;

/** What the main thread is told before the order is done. */
export interface Tell {
  /** Something happened in the ring. */
  news: () => void;
  /** The order waited for something first: its system call begins now. */
  called: () => void;
}

const SILENT: Tell = { news() {}, called() {} };

/**
 * Makes the call. What a stopped call gives looks like an interrupted one, also if it never began.
 */
export function execute(
  id: number,
  order: SyscallRequest,
  memory: CallMemory,
  libc: Libc,
  { news, called }: Tell = SILENT,
): WorkerSays {
  const { words } = memory;
  // Told before STOP is read: the main thread writes STOP before it reads this, so one of the two sees the other.
  Atomics.store(words, Word.CALL, id);
  const stopped = (): boolean => Atomics.load(words, Word.STOP) === id;
  let result: CallResult = { ret: -1, errno: EINTR };
  while (!stopped()) {
    result = make(order, memory, libc, { id, stopped, news, called });
    const interrupted = result.ret < 0 && result.errno === EINTR;
    if (!interrupted || order.kind !== 'ioctl' || !order.retry) break;
  }
  const { ret, errno } = result;
  const file = order.kind === 'open' && ret >= 0 ? libc.describe(ret) : undefined;
  Atomics.store(words, Word.RET, ret);
  Atomics.store(words, Word.ERRNO, errno);
  Atomics.store(words, Word.CALL, 0);
  Atomics.store(words, Word.DONE, id);
  Atomics.notify(words, Word.DONE);
  return file === undefined ? id : { ret, errno, file };
}

function make(order: SyscallRequest, memory: CallMemory, libc: Libc, run: Run & Tell): CallResult {
  switch (order.kind) {
    case 'open':
      return libc.open(order.path, O_RDWR | O_CLOEXEC);
    case 'close':
      return libc.close(order.fd);
    case 'ioctl':
      // Kernel contract, hazard 2: this thread may have been a long time in coming, and nothing may lie between the look
      // and the call.
      if (order.thread !== undefined) {
        const errno = threadErrno(order.thread, libc);
        if (errno !== 0) return { ret: -1, errno };
      }
      return libc.ioctl(order.fd, order.request, order.argument ? memory.struct : null);
    case 'close-slot':
      return closeSlot(order, memory, libc, run);
    case 'receive':
      return makeReceives(order, memory, libc, run);
    case 'send':
      return makeSends(order.fd, memory, libc, run);
    case 'watch':
      return watchTable(order, memory, libc, {
        stopped: run.stopped,
        // To be woken by the main thread, which writes STOP and tells.
        pause: (ms) => {
          const before = Atomics.load(memory.words, Word.STOP);
          if (!run.stopped()) Atomics.wait(memory.words, Word.STOP, before, ms);
        },
        now: () => performance.now(),
      });
  }
}
