/** What the main thread and a worker say to each other. */
import type { CloseSlotRequest } from '../closing/close-slot.js';
import type { KernelThread } from '../closing/kernel-thread.js';
import type { OpenFile } from '../libc.js';
import type { WatchRequest } from './table-change.js';

/** A system call for a worker to make. */
export type SyscallRequest =
  | { kind: 'open'; path: string }
  | { kind: 'close'; fd: number }
  /**
   * `argument`: whether the struct of the shared memory goes with it. `retry`: an interruption that nobody asked for is
   * not told, the call is made again. `thread`: the call is made only if this kernel thread lives, else it gives ESRCH, or
   * EAGAIN where that can't be seen.
   */
  | { kind: 'ioctl'; fd: number; request: number; argument: boolean; retry: boolean; thread?: KernelThread }
  /** RECV after RECV, SEND after SEND: transfers.ts. */
  | { kind: 'receive'; fd: number; count: number }
  | { kind: 'send'; fd: number }
  /** CLOSE_SESS on the module, with all that has to be looked at right before. */
  | CloseSlotRequest
  /** To look at the session table until it has changed. */
  | WatchRequest;

/** From the main thread; null asks the worker to end. */
export type ToWorker = { id: number; order: SyscallRequest } | null;

/** From a worker whose order goes on: something happened in the ring. */
export const NEWS = 0;

/** What an order gave. */
export interface FromWorker {
  ret: number;
  errno: number;
  /** After an `open` that succeeded. */
  file?: OpenFile;
}

/** From a worker in the middle of an order that waits for something first: the system call that may be long begins now. */
export interface Called {
  id: number;
  called: true;
}

/** From a worker; a number is the id of an order that is done, where all that it gave is in the shared memory. */
export type WorkerSays = number | FromWorker | Called;

/** What a worker is started with. */
export interface WorkerSetup {
  memory: SharedArrayBuffer;
  /** Of the LoadGate that it loads through. */
  gate: SharedArrayBuffer;
  /** Its calls are never interrupted: it blocks all signals. */
  uninterruptible: boolean;
  /** In place of libc: a module with a function `loadLibc(options)`. */
  libc?: { module: string; options: unknown };
}
