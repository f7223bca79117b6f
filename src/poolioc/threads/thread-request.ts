/**
 * A request as the worker threads take it: a plain record of the system call, of what goes into the memory of its thread
 * before, and of what is taken out of it after. What follows from a result, in time or late, is the same for all of them.
 */
import type { CallMemory } from './call-memory.js';
import type { FromWorker, SyscallRequest } from './worker-messages.js';
import type { SignalLibc, WorkerThread } from './worker-thread.js';

/** Requests of one class have threads of their own. */
export type ThreadClass = 'control' | 'connect' | 'receive' | 'send' | 'close' | 'watch';

/** `T`: what a result without an error means. */
export interface ThreadRequest<T> {
  threads: ThreadClass;
  /** The number of the request, and on which file. */
  call: SyscallRequest;
  /** Requests that share a key are made one after the other. */
  keys?: readonly string[] | undefined;
  /** Into the memory of the thread that takes the request, whose struct is zeroed. `libc` gives addresses of it. */
  fill?: ((memory: CallMemory, libc: SignalLibc) => void) | undefined;
  /** Out of that memory, of a result without an error. */
  take?: ((memory: CallMemory, answer: FromWorker) => T) | undefined;
  /** In place of `take` where the caller has got an error meanwhile: it gave up, and the result came all the same. */
  late?: ((memory: CallMemory, answer: FromWorker) => void) | undefined;
  /** Something happened in the ring, before or at the end of the call, also of one that was taken back. */
  news?: ((memory: CallMemory) => void) | undefined;
  /** The long part of the call begins: it waited for something before. Not told where no event loop runs. */
  called?: (() => void) | undefined;
  /** A key that is given up when `ms` after `called` the call has not returned; others are made beside it then. */
  lease?: { key: string; ms: number; over: (memory: CallMemory, libc: SignalLibc) => void } | undefined;
}

/** What a request gave; `value` where it succeeded. */
export interface CallOutcome<T> {
  ret: number;
  errno: number;
  value: T | undefined;
}

/** Gives the request to a thread that is free. */
export function post(request: ThreadRequest<unknown>, thread: WorkerThread, libc: SignalLibc): void {
  const { memory } = thread;
  memory.struct.fill(0);
  request.fill?.(memory, libc);
  thread.post(request.call);
}

/** What the thread's answer means. Once an answer: what lies in the memory is another request's afterwards. */
export function callOutcome<T>({ take }: ThreadRequest<T>, answer: FromWorker, memory: CallMemory): CallOutcome<T> {
  const { ret, errno } = answer;
  return { ret, errno, value: ret < 0 ? undefined : take?.(memory, answer) };
}
