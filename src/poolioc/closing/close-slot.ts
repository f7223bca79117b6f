/**
 * CLOSE_SESS on the module as one piece of work of one thread. Closing one end of a session ends the other end's receiver
 * thread, and CLOSE_SESS on a slot whose thread has ended crashes the kernel (kernel contract, hazard 2). So one
 * process at a time closes on a machine, by a lock (flock) on the device file; the slot is looked at while that lock is
 * held, right before the call; and the lock is given up only when the session's other end, where this machine has it too,
 * is seen to have ended, so that whoever comes next sees it.
 *
 * A CLOSE_SESS may hang for as long as a peer doesn't read (hazard 12). The lock is given up then, by the main thread; what
 * stays locked are two bytes of the device file (F_OFD_SETLK), at the indexes of the slot and of the session's other end:
 * nobody closes either of them meanwhile.
 */
import { performance } from '../../base/timers.js';
import { constants } from 'node:os';
import { type CallMemory, Word } from '../threads/call-memory.js';
import { SESSION_ID_SIZE, SessionState } from '../abi/constants.js';
import { POOL_IOC_CLOSE_SESS } from '../abi/ioctl.js';
import { threadErrno, type KernelThread } from './kernel-thread.js';
import { F_UNLCK, F_WRLCK, LOCK_EX, LOCK_NB, LOCK_UN, type CallResult, type Libc } from '../libc.js';
import { readTable } from '../threads/read-table.js';
import type { SessionInfo } from '../types.js';

const { EACCES, EAGAIN, EBUSY, EINTR, ENOENT, ESRCH } = constants.errno;

/** ms between two tries to have the lock, and between two looks at the other end. */
const PAUSE_MS = 1;
/** ms in which the other end's receiver takes note of CLOSE: microseconds, where it is not the machine that is slow. */
const OTHER_END_MS = 1000;

/** What a thread is told of a slot to close. */
export interface CloseSlotRequest {
  kind: 'close-slot';
  fd: number;
  index: number;
  /** 32 hexadecimal digits: only that session; else whatever the slot has. */
  session: string | null;
  thread: KernelThread;
  /** The session's other end was seen on this machine: without it in the table, it has been closed. */
  pair: boolean;
  /** Sessions of which this process has closed one end. */
  closed: readonly string[];
  /** Slots that this process is closing in other threads. */
  closing: readonly number[];
  /** ms to wait for the lock. */
  patience: number;
}

/** Time in a thread that may wait, in ms; an argument, so that tests turn it by hand. */
export interface ThreadClock {
  now(): number;
  pause(ms: number): void;
}

/** Whether the order is taken back while it waits, and whom it tells that CLOSE_SESS is made now. */
export interface CloseRun {
  stopped: () => boolean;
  called: () => void;
}

/**
 * CLOSE_SESS's result, or -1 with: ESRCH, the call would not be safe; ENOENT, the slot has another session; EBUSY, other
 * programs had the lock for all of the time; EAGAIN, whether it is safe can't be seen at the moment. The id of a session
 * that was closed is at the start of the data.
 */
export function closeSlot(
  order: CloseSlotRequest,
  memory: CallMemory,
  libc: Libc,
  { stopped, called }: CloseRun,
  clock: ThreadClock = threadClock,
): CallResult {
  const { words } = memory;
  const turn = takeTurn(order, libc, stopped, clock);
  if (turn.ret < 0) return turn;
  Atomics.store(words, Word.TURN, 1);
  try {
    return closeInTurn(order, memory, libc, called, clock);
  } finally {
    Atomics.store(words, Word.CLOSING, 0);
    giveUpTurn(memory, libc, order.fd);
  }
}

/** By the thread when it is done, or by the main thread for one whose CLOSE_SESS hangs; the later one does nothing. */
export function giveUpTurn({ words }: CallMemory, libc: Pick<Libc, 'flock'>, fd: number): void {
  if (Atomics.compareExchange(words, Word.TURN, 1, 0) === 1) libc.flock(fd, LOCK_UN);
}

function takeTurn(
  { fd, patience }: CloseSlotRequest,
  libc: Libc,
  stopped: () => boolean,
  clock: ThreadClock,
): CallResult {
  const until = clock.now() + patience;
  // The lock is the open file's: a thread that went on waiting would have it together with the one that closes in its place.
  while (!stopped()) {
    const taken = libc.flock(fd, LOCK_EX | LOCK_NB);
    if (taken.ret === 0 || (taken.errno !== EAGAIN && taken.errno !== EINTR)) return taken;
    if (clock.now() >= until) break;
    clock.pause(PAUSE_MS);
  }
  return failed(EBUSY);
}

function closeInTurn(
  order: CloseSlotRequest,
  memory: CallMemory,
  libc: Libc,
  called: () => void,
  clock: ThreadClock,
): CallResult {
  const { fd, index, thread } = order;
  const table = readTable(fd, memory, libc);
  const session = table?.find((one) => one.index === index);
  if (table === null) return failed(EAGAIN);
  if (session === undefined && order.session === null) {
    memory.data.fill(0, 0, SESSION_ID_SIZE);
    return { ret: 0, errno: 0 };
  }
  if (session === undefined || (order.session !== null && idOf(session) !== order.session)) return failed(ENOENT);
  const id = idOf(session);
  const other = table.find((one) => one.index !== index && idOf(one) === id);
  const ended = session.state === SessionState.CLOSING;
  const otherClosed = order.closed.includes(id) || (order.pair && other === undefined);
  const otherCloses = other !== undefined && order.closing.includes(other.index);
  if (ended || otherClosed || otherCloses) return failed(ESRCH);
  const bytes = other === undefined ? [index] : [index, other.index];
  const locked: number[] = [];
  try {
    for (const at of bytes) {
      const { ret, errno } = libc.lockByte(fd, F_WRLCK, at);
      // EAGAIN and EACCES: somebody is in a CLOSE_SESS of this slot or of its other end. Any other says nothing of that.
      if (ret < 0) return failed(errno === EAGAIN || errno === EACCES ? ESRCH : EAGAIN);
      locked.push(at);
    }
    Atomics.store(memory.words, Word.CLOSING, index + 1);
    memory.struct.fill(0).writeUInt32LE(index);
    called();
    // Nothing may lie between this look and the call.
    const refused = threadErrno(thread, libc);
    if (refused !== 0) return failed(refused);
    const result = libc.ioctl(fd, POOL_IOC_CLOSE_SESS, memory.struct);
    if (result.ret >= 0 && other !== undefined) awaitEnd(fd, other, memory, libc, clock);
    memory.data.write(id, 'hex');
    return result;
  } finally {
    for (const at of locked) libc.lockByte(fd, F_UNLCK, at);
  }
}

/** Until the other end's receiver has read CLOSE: from then on its slot says that it is CLOSING. */
function awaitEnd(fd: number, other: SessionInfo, memory: CallMemory, libc: Libc, clock: ThreadClock): void {
  const until = clock.now() + OTHER_END_MS;
  do {
    const now = readTable(fd, memory, libc)?.find(({ index }) => index === other.index);
    if (now === undefined || now.state === SessionState.CLOSING || idOf(now) !== idOf(other)) return;
    clock.pause(PAUSE_MS);
  } while (clock.now() < until);
}

function idOf({ sessionId }: SessionInfo): string {
  return Buffer.from(sessionId).toString('hex');
}

function failed(errno: number): CallResult {
  return { ret: -1, errno };
}

const never = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

const threadClock: ThreadClock = {
  now: () => performance.now(),
  pause: (ms) => void Atomics.wait(never, 0, 0, ms),
};
