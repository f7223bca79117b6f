/**
 * The worker threads of a process. Threads start when a call finds none idle, are used again, and end when they were idle
 * for a while; a thread costs about 8.6 MiB and 65 ms. Calls of one kind have threads of their own, so that SEND and
 * CLOSE_SESS, which may hang for as long as a peer doesn't read, never take the last thread from anything else (kernel
 * contract, hazard 12).
 */
import { PoolError } from '../../base/errors.js';
import { LoadGate } from '../../base/load-gate.js';
import { TRANSFER_BYTES } from './call-memory.js';
import type { ThreadRequest, CallOutcome, ThreadClass } from './thread-request.js';
import { WorkerCall } from './worker-call.js';
import { makeCalls, pause } from './sync-calls.js';
import { findWorkerFile } from '../worker-file.js';
import { WorkerThread, type SignalLibc } from './worker-thread.js';
import type { WorkerSetup } from './worker-messages.js';
import { clearTimeout, performance, setTimeout } from '../../base/timers.js';

export interface WorkerPoolOptions {
  libc: SignalLibc;
  /** In place of libc, for the workers. */
  substitute?: WorkerSetup['libc'];
  /** The worker's file; found when the first thread starts, where it isn't given. */
  file?: URL;
  /** ms after which an idle thread ends. */
  idleTimeout?: number;
  limits?: Partial<Record<ThreadClass, number>>;
}

/** A RECV blocks a thread for up to 5 s: 64 sessions share 16. A SEND that blocks must not stop another session's. */
const LIMITS: Record<ThreadClass, number> = { control: 4, connect: 8, receive: 16, send: 64, close: 16, watch: 64 };
/** A new thread is 65 ms of CPU: a program that has something to say every few seconds is not to pay them each time. */
const IDLE_TIMEOUT_MS = 60_000;
/** Classes whose threads are never signalled (kernel contract, hazards 11 and 12). */
const UNINTERRUPTIBLE: ReadonlySet<ThreadClass> = new Set<ThreadClass>(['send', 'close']);
/** Classes whose threads move many messages for one order. */
const TRANSFERS: ReadonlySet<ThreadClass> = new Set<ThreadClass>(['receive', 'send']);

export interface UntoldConnect {
  call: { fd: number };
  /** The slot. */
  ret: number;
}

export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #libc: SignalLibc;
  readonly #gate = new LoadGate();
  readonly #idle = new Map<ThreadClass, WorkerThread[]>();
  readonly #threads = new Map<WorkerThread, ThreadClass>();
  readonly #running = new Map<WorkerThread, WorkerCall<unknown>>();
  readonly #waiting = new Map<ThreadClass, WorkerCall<unknown>[]>();
  /** The thread that makes the call with a key. */
  readonly #keys = new Map<string, WorkerThread>();
  readonly #retirements = new Map<WorkerThread, NodeJS.Timeout>();
  /** Keys that are given up when their time is over. */
  readonly #leases = new Map<WorkerThread, NodeJS.Timeout>();
  /** Classes of which a thread stands ready. */
  readonly #reserves = new Set<ThreadClass>();
  #untold: UntoldConnect[] = [];
  #file: URL | undefined;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#libc = options.libc;
    this.#file = options.file;
  }

  /** Threads that have not ended. */
  get size(): number {
    return this.#threads.size;
  }

  /** Makes a call as soon as a thread is free. `ref`: whether it keeps the process alive. */
  submit<T>(request: ThreadRequest<T>, { ref = true }: { ref?: boolean } = {}): WorkerCall<T> {
    const call = new WorkerCall(request, ref);
    const queue = listOf(this.#waiting, request.threads);
    queue.push(call as WorkerCall<unknown>);
    this.#dispatch(request.threads);
    call.wait();
    return call;
  }

  /** From now on one thread of the class stands ready beside those that are inside a call: to start one takes 65 ms and more. */
  reserve(threadClass: ThreadClass): void {
    this.#reserves.add(threadClass);
    this.#fillReserve(threadClass);
  }

  /**
   * Makes calls without the event loop, for the moments before the process ends: after `interruptAll`, whose threads serve
   * best. Null for a call without a result in time, or with the key of one that is still under way.
   */
  callSync<T>(requests: readonly ThreadRequest<T>[], timeout: number, stuck?: number): (CallOutcome<T> | null)[] {
    return makeCalls(requests, {
      libc: this.#libc,
      timeout,
      stuck,
      free: (taken) => this.#freeThread(taken),
      start: () => this.#start('control'),
      locked: (key) => {
        const holder = this.#keys.get(key);
        return holder !== undefined && !holder.free;
      },
    });
  }

  /**
   * Without the event loop: waits for the call that has a key on lease. One that still waits for something is taken back; one
   * that is in its long part loses the key after `timeout` ms. `left` tells how many ms there are in all.
   * @returns false where it is in neither by then: no other call with this key may be made
   */
  endLease(key: string, timeout: number, left: () => number): boolean {
    const thread = this.#keys.get(key);
    if (thread === undefined) return true;
    thread.halt();
    for (let until = Infinity; !thread.free && left() > 0 && performance.now() < until; pause()) {
      if (until === Infinity && thread.called(true)) until = performance.now() + timeout;
    }
    if (thread.free) return true;
    if (!thread.called(true)) return false;
    this.#giveUp(thread);
    return true;
  }

  /** CONNECTs that had succeeded when `interruptAll` came back, without an event loop to tell of it. */
  get untold(): readonly UntoldConnect[] {
    return this.#untold;
  }

  /** Interrupts every call that may be interrupted, and waits up to `timeout` ms for the threads, without the event loop. */
  interruptAll(timeout: number): void {
    const until = performance.now() + timeout;
    const blocked = (): boolean =>
      [...this.#threads.keys()].filter((thread) => thread.interruptible && thread.signal()).length > 0;
    while (blocked() && performance.now() < until) pause();
    // Now: what the threads are given next overwrites it.
    this.#untold = [...this.#running].flatMap(([thread, { request }]) => {
      const { call, threads } = request;
      if (threads !== 'connect' || call.kind !== 'ioctl') return [];
      // Out of the call, it may not have come to its answer yet.
      if (thread.ready && !thread.inside) thread.awaitAnswer(Math.max(0, until - performance.now()));
      const ret = thread.answer?.ret ?? -1;
      return ret >= 0 ? [{ call, ret }] : [];
    });
  }

  /** Whether a thread is inside a call, which would hold up the end of the process until the call returns. */
  get anyInside(): boolean {
    return [...this.#threads.keys()].some((thread) => thread.inside);
  }

  /** For the end of the process: waits up to `ms` for threads that load koffi. False: one goes on, and must not be ended. */
  shutGate(ms: number): boolean {
    return this.#gate.shut(ms);
  }

  /** Ends all threads that are idle. */
  retireIdle(): void {
    for (const thread of [...this.#retirements.keys()]) this.#retire(thread);
  }

  #dispatch(threadClass: ThreadClass): void {
    const queue = listOf(this.#waiting, threadClass);
    for (let at = 0; at < queue.length; ) {
      const call = queue[at]!;
      const { keys = [] } = call.request;
      if (call.settled) {
        queue.splice(at, 1);
        continue;
      }
      if (keys.some((key) => this.#keys.has(key))) {
        at += 1;
        continue;
      }
      const thread = this.#threadFor(threadClass, call);
      if (thread === null) return;
      queue.splice(at, 1);
      if (thread !== undefined) this.#begin(call, thread, keys);
    }
  }

  /** Null where all threads are taken; undefined where none can be had, and the call got the error. */
  #threadFor(threadClass: ThreadClass, call: WorkerCall<unknown>): WorkerThread | null | undefined {
    const idle = this.#idleThread(threadClass);
    if (idle !== undefined) return idle;
    const used = [...this.#threads.values()].filter((other) => other === threadClass).length;
    if (used >= (this.#options.limits?.[threadClass] ?? LIMITS[threadClass])) return null;
    try {
      return this.#start(threadClass);
    } catch (error) {
      call.cancel({ reason: error });
      return undefined;
    }
  }

  #begin(call: WorkerCall<unknown>, thread: WorkerThread, keys: readonly string[]): void {
    for (const key of keys) this.#keys.set(key, thread);
    this.#running.set(thread, call);
    call.begin(thread, this.#libc);
    this.#fillReserve(call.request.threads);
  }

  #fillReserve(threadClass: ThreadClass): void {
    if (!this.#reserves.has(threadClass) || this.#idleOf(threadClass).length > 0) return;
    try {
      this.#rest(this.#start(threadClass), threadClass);
    } catch {
      // The call that needs it tells why there can be none.
    }
  }

  #called(thread: WorkerThread): void {
    const { called, lease } = this.#running.get(thread)?.request ?? {};
    if (lease !== undefined) this.#leases.set(thread, setTimeout(() => this.#leaseOver(thread), lease.ms).unref());
    called?.();
  }

  #leaseOver(thread: WorkerThread): void {
    this.#giveUp(thread);
    for (const threadClass of this.#waiting.keys()) this.#dispatch(threadClass);
  }

  #giveUp(thread: WorkerThread): void {
    const lease = this.#running.get(thread)?.request.lease;
    if (lease === undefined || this.#keys.get(lease.key) !== thread) return;
    lease.over(thread.memory, this.#libc);
    this.#keys.delete(lease.key);
  }

  #start(threadClass: ThreadClass): WorkerThread {
    const { substitute } = this.#options;
    const thread = new WorkerThread({
      file: (this.#file ??= findWorkerFile()),
      libc: this.#libc,
      gate: this.#gate,
      uninterruptible: UNINTERRUPTIBLE.has(threadClass),
      ...(TRANSFERS.has(threadClass) ? { bytes: TRANSFER_BYTES } : {}),
      ...(substitute === undefined ? {} : { substitute }),
      called: () => this.#called(thread),
      news: () => this.#running.get(thread)?.news(),
      finished: (_, answer) => this.#finished(thread, threadClass, answer),
      ended: () => this.#forget(thread, threadClass),
    });
    this.#threads.set(thread, threadClass);
    return thread;
  }

  #finished(
    thread: WorkerThread,
    threadClass: ThreadClass,
    answer: Parameters<WorkerCall<unknown>['finish']>[0],
  ): void {
    const call = this.#running.get(thread);
    this.#running.delete(thread);
    clearTimeout(this.#leases.get(thread));
    this.#leases.delete(thread);
    for (const key of call?.request.keys ?? []) if (this.#keys.get(key) === thread) this.#keys.delete(key);
    call?.finish(answer);
    if (answer instanceof PoolError) this.#forget(thread, threadClass);
    else this.#rest(thread, threadClass);
    for (const other of this.#waiting.keys()) this.#dispatch(other);
  }

  #rest(thread: WorkerThread, threadClass: ThreadClass): void {
    // A call of `callSync` may have ended in between, of which nothing else is told.
    if (this.#retirements.has(thread)) return;
    this.#idleOf(threadClass).push(thread);
    const timer = setTimeout(
      () => this.#retireUnlessReserve(thread, threadClass),
      this.#options.idleTimeout ?? IDLE_TIMEOUT_MS,
    );
    this.#retirements.set(thread, timer.unref());
  }

  #retireUnlessReserve(thread: WorkerThread, threadClass: ThreadClass): void {
    if (!this.#reserves.has(threadClass) || this.#idleOf(threadClass).length > 1) this.#retire(thread);
  }

  #retire(thread: WorkerThread): void {
    this.#forget(thread, this.#threads.get(thread)!);
    thread.retire();
  }

  #forget(thread: WorkerThread, threadClass: ThreadClass): void {
    clearTimeout(this.#retirements.get(thread));
    this.#retirements.delete(thread);
    const idle = this.#idleOf(threadClass);
    const at = idle.indexOf(thread);
    if (at >= 0) idle.splice(at, 1);
    this.#threads.delete(thread);
  }

  /** The one used last: its memory is warm, and the others come to their end. */
  #idleThread(threadClass: ThreadClass): WorkerThread | undefined {
    const thread = this.#idleOf(threadClass).pop();
    if (thread === undefined) return undefined;
    clearTimeout(this.#retirements.get(thread));
    this.#retirements.delete(thread);
    return thread;
  }

  /** Without the event loop: by the threads' own account, since nothing is told any more. */
  #freeThread(taken: ReadonlySet<WorkerThread>): WorkerThread | undefined {
    for (const [thread, threadClass] of this.#threads) {
      if (taken.has(thread) || !thread.ready || !thread.free) continue;
      const idle = this.#idleOf(threadClass);
      if (idle.includes(thread)) idle.splice(idle.indexOf(thread), 1);
      clearTimeout(this.#retirements.get(thread));
      this.#retirements.delete(thread);
      return thread;
    }
    return undefined;
  }

  #idleOf(threadClass: ThreadClass): WorkerThread[] {
    return listOf(this.#idle, threadClass);
  }
}

/** The list of a class, which is there from now on. */
function listOf<T>(lists: Map<ThreadClass, T[]>, threadClass: ThreadClass): T[] {
  let list = lists.get(threadClass);
  if (list === undefined) lists.set(threadClass, (list = []));
  return list;
}
