/** One call on its way through the worker threads: waiting for one, inside one, settled. */
import { constants } from 'node:os';
import { PoolError } from '../../base/errors.js';
import { callOutcome, post, type ThreadRequest, type CallOutcome } from './thread-request.js';
import type { SignalLibc, WorkerThread } from './worker-thread.js';
import type { FromWorker } from './worker-messages.js';
import { clearInterval, clearTimeout, LONGEST_TIMER_MS, setInterval, setTimeout } from '../../base/timers.js';

/** Why a call was taken back, and what the promise gets for it. */
export interface Cancellation {
  reason: unknown;
}

/** ms that a promise waits for a thread that was told to come back, so that a result that wins the race is not lost. */
const GRACE_MS = 250;
const { EINTR } = constants.errno;

export class WorkerCall<T> {
  readonly promise: Promise<CallOutcome<T>>;
  /** Fulfils when no thread is inside the call, which may be long after the promise settled. */
  readonly ended: Promise<void>;
  readonly request: ThreadRequest<T>;
  #thread: WorkerThread | null = null;
  #resolve!: (outcome: CallOutcome<T>) => void;
  #reject!: (reason: unknown) => void;
  #end!: () => void;
  #ended = false;
  #taken: Cancellation | null = null;
  #begun = false;
  #settled = false;
  #grace: NodeJS.Timeout | undefined;
  #ref: boolean;
  /** Keeps the process alive for a call that no thread keeps it alive for yet. */
  #hold: NodeJS.Timeout | undefined;

  constructor(request: ThreadRequest<T>, ref: boolean) {
    this.request = request;
    this.#ref = ref;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** Whether a thread was in the call when it was taken back: else the call was not made. */
  get begun(): boolean {
    return this.#begun;
  }

  get isEnded(): boolean {
    return this.#ended;
  }

  /** No thread is free. */
  wait(): void {
    if (this.#ref && this.#thread === null && !this.#settled) this.#hold ??= setInterval(() => {}, LONGEST_TIMER_MS);
  }

  begin(thread: WorkerThread, libc: SignalLibc): void {
    this.#release();
    this.#thread = thread;
    if (this.#ref) thread.ref();
    post(this.request, thread, libc);
  }

  setRef(ref: boolean): void {
    this.#ref = ref;
    if (this.#settled) return;
    if (!ref) this.#release();
    else this.wait();
    if (ref) this.#thread?.ref();
    else this.#thread?.unref();
  }

  /**
   * Takes the call back. A waiting one rejects at once; so does one that may not be interrupted, which goes on; another one
   * is interrupted, and has its result if that was faster.
   */
  cancel(taken: Cancellation): void {
    if (this.#settled || this.#taken !== null) return;
    this.#taken = taken;
    const thread = this.#thread;
    // Before it is interrupted: one that begins after that comes back at once.
    this.#begun = thread?.inside === true;
    if (thread === null || !thread.interruptible) {
      // Of many calls no other is begun.
      if (this.request.news !== undefined) thread?.halt();
      this.#fail(taken.reason);
      return;
    }
    thread.interrupt();
    this.#grace = setTimeout(() => this.#fail(taken.reason), GRACE_MS);
    if (!this.#ref) this.#grace.unref();
  }

  /** Lets a call of many come to its end after the one that its thread is in. One that waits for a thread is taken back. */
  halt(reason: unknown): void {
    if (this.#thread === null) this.cancel({ reason });
    else if (!this.#ended) this.#thread.halt();
  }

  /** The thread tells of something in its ring. */
  news(): void {
    if (this.#thread !== null) this.request.news?.(this.#thread.memory);
  }

  /** The thread has answered. */
  finish(answer: FromWorker | PoolError): void {
    const thread = this.#thread!;
    clearTimeout(this.#grace);
    this.request.news?.(thread.memory);
    if (!this.#settled) this.#settle(answer, thread);
    else if (!(answer instanceof PoolError) && answer.ret >= 0) this.request.late?.(thread.memory, answer);
    thread.unref();
    this.#leave();
  }

  #settle(answer: FromWorker | PoolError, thread: WorkerThread): void {
    if (answer instanceof PoolError) {
      this.#fail(answer);
      return;
    }
    // A result is never thrown away for having come a moment after the wish to be without it.
    if (this.#taken !== null && answer.ret < 0 && answer.errno === EINTR) {
      this.#fail(this.#taken.reason);
      return;
    }
    try {
      const outcome = callOutcome(this.request, answer, thread.memory);
      this.#settled = true;
      this.#resolve(outcome);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(reason: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#grace);
    this.#release();
    this.#thread?.unref();
    this.#reject(reason);
    if (this.#thread === null) this.#leave();
  }

  #release(): void {
    clearInterval(this.#hold);
    this.#hold = undefined;
  }

  #leave(): void {
    this.#ended = true;
    this.#end();
  }
}
