/** The calls on an open device from their callers' side: the signal, the timeout, what a result means, and the end of all. */
import { onAbort, throwIfAborted } from '../base/abort.js';
import { clearTimeout, LONGEST_TIMER_MS, setTimeout } from '../base/timers.js';
import * as check from './arguments.js';
import { callError, closedError, timeoutError, type FailedCall } from './device-errors.js';
import { close } from './requests.js';
import type { ThreadRequest, CallOutcome } from './threads/thread-request.js';
import type { WorkerCall } from './threads/worker-call.js';
import type { WorkerPool } from './threads/worker-pool.js';
import type { CallOptions } from './types.js';

/** What a call rejects with when its timeout passed: made an error of where the caller's stack is known. */
export const TIMED_OUT = Symbol('timed out');
/** What a call rejects with that its caller has stopped. */
export const STOPPED = Symbol('stopped');
/** What a call rejects with when its device is closed. */
const CLOSED = Symbol('closed');

/** What a call is about, for its error. */
export type Subject = Omit<FailedCall, 'errno' | 'syscall'> & Partial<Pick<FailedCall, 'syscall'>>;

/** Takes `call` back when `options` say so. Settles as the call does. */
export async function settled<T>(
  call: WorkerCall<T>,
  { signal, timeout }: CallOptions,
  ref: boolean,
): Promise<CallOutcome<T>> {
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

/** The error of a call that rejected. */
export function rejection(reason: unknown, { operation, path }: Subject, timeout?: number): unknown {
  if (reason === TIMED_OUT) return timeoutError(operation, path, timeout!);
  return reason === CLOSED ? closedError(operation, path) : reason;
}

/** What a call gave that has a result. @throws PoolError with errno's name, where that is an error */
export function valueOf<T>({ ret, errno, value }: CallOutcome<T>, subject: Subject): T {
  if (ret < 0) throw callError({ syscall: 'ioctl', ...subject, errno });
  // What has nothing to take is a ThreadRequest<void>.
  return value as T;
}

export class Descriptor {
  readonly path: string;
  readonly #pool: WorkerPool;
  readonly #underWay = new Set<WorkerCall<unknown>>();
  #fd: number;
  #ref = true;
  #closing: Promise<void> | null = null;

  constructor(path: string, fd: number, pool: WorkerPool) {
    this.path = path;
    this.#fd = fd;
    this.#pool = pool;
  }

  /** -1 from when the device is closed. */
  get fd(): number {
    return this.#fd;
  }

  /** Whether calls keep the process alive. */
  get ref(): boolean {
    return this.#ref;
  }

  get isOpen(): boolean {
    return this.#closing === null;
  }

  /** @throws PoolError ERR_POOL_CLOSED */
  assertOpen(operation: string): void {
    if (!this.isOpen) throw closedError(operation, this.path);
  }

  /**
   * Makes a call that takes the options of `kind`. Errors are made here, after an await of the caller's, so that their stacks
   * lead to the caller.
   */
  async make<T>(
    about: Omit<Subject, 'path'>,
    options: CallOptions,
    request: (fd: number) => ThreadRequest<T>,
    kind: 'call' | 'late' | 'close' = 'call',
  ): Promise<T> {
    check.checkCallOptions(options, kind);
    throwIfAborted(options.signal);
    this.assertOpen(about.operation);
    const subject = { ...about, path: this.path };
    const call = this.submit(request);
    let outcome: CallOutcome<T>;
    try {
      outcome = await settled(call, options, this.#ref);
    } catch (reason) {
      throw rejection(reason, subject, options.timeout);
    }
    return valueOf(outcome, subject);
  }

  /** Hands a request to the threads, on a device that is open. */
  submit<T>(request: (fd: number) => ThreadRequest<T>): WorkerCall<T> {
    const call = this.#pool.submit(request(this.#fd), { ref: this.#ref });
    this.#underWay.add(call as WorkerCall<unknown>);
    void call.ended.then(() => this.#underWay.delete(call as WorkerCall<unknown>));
    return call;
  }

  setRef(ref: boolean): void {
    this.#ref = ref;
    for (const call of this.#underWay) call.setRef(ref);
  }

  /** Cancels all calls and closes the descriptor. Idempotent. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    const fd = this.#fd;
    this.#fd = -1;
    const calls = [...this.#underWay];
    for (const call of calls) call.cancel({ reason: CLOSED });
    await Promise.allSettled(calls.map(({ promise }) => promise));
    // A thread may still be on its way into a SEND: its descriptor must not become another file's. So it is closed when
    // the last thread is out, and nobody waits for that.
    const closed = Promise.all(calls.map(({ ended }) => ended)).then(
      () => this.#pool.submit(close(fd), { ref: this.#ref }).promise,
    );
    if (calls.every((call) => call.isEnded)) await closed;
  }
}
