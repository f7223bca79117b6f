/** One worker thread as the main thread sees it: one order at a time, its result, and how to take it back. */
import { Worker } from 'node:worker_threads';
import { PoolError } from '../../base/errors.js';
import type { LoadGate } from '../../base/load-gate.js';
import { layoutsToGive } from '../abi/given-layouts.js';
import { structs } from '../abi/structs.js';
import { CallMemory, Word } from './call-memory.js';
import { SIGURG, type Libc } from '../libc.js';
import { setTimeout } from '../../base/timers.js';
import { putOrder } from './order-words.js';
import { NEWS, type FromWorker, type SyscallRequest, type WorkerSays, type WorkerSetup } from './worker-messages.js';

/** What the main thread needs of libc. */
export type SignalLibc = Pick<Libc, 'address' | 'copy' | 'flock' | 'tgkill' | 'interruptBy' | 'exit'>;

export interface WorkerThreadOptions {
  file: URL;
  libc: SignalLibc;
  gate: LoadGate;
  uninterruptible: boolean;
  /** Bytes of data in its memory. */
  bytes?: number;
  /** In place of libc, for the worker. */
  substitute?: WorkerSetup['libc'];
  /** The order's long part has begun. */
  called?(thread: WorkerThread): void;
  /** Something happened in its ring, and the call goes on. */
  news(thread: WorkerThread): void;
  /** A call has ended, or the thread died in it. */
  finished(thread: WorkerThread, result: FromWorker | PoolError): void;
  ended(thread: WorkerThread): void;
}

/** ms between two signals to a thread that has not come back: one that lands between two calls is missed. */
const RESEND_MS = 1;
/** ms after which one is sent less and less often: a device that doesn't answer to signals. */
const RESEND_MAX_MS = 100;
const LAST_ID = 2 ** 31 - 1;

export class WorkerThread {
  readonly memory: CallMemory;
  readonly interruptible: boolean;
  readonly #options: WorkerThreadOptions;
  readonly #worker: Worker;
  #lastId = 0;
  /** The id of the order that has not been answered; 0 for none. */
  #current = 0;

  constructor(options: WorkerThreadOptions) {
    this.#options = options;
    this.interruptible = !options.uninterruptible;
    this.memory = new CallMemory(options.bytes, options.libc.copy);
    const setup: WorkerSetup = {
      memory: this.memory.shared,
      gate: options.gate.shared,
      uninterruptible: options.uninterruptible,
      // What stands in for libc may make struct objects.
      ...(options.substitute === undefined ? layoutsToGive(structs) : { libc: options.substitute }),
    };
    // Without the program's own flags: loaders of TypeScript cost time in each worker, and it has nothing for them.
    this.#worker = new Worker(options.file, { workerData: setup, name: 'pool-ts', execArgv: [] });
    this.#worker.on('message', (said: WorkerSays) => {
      if (said === NEWS) {
        options.news(this);
        return;
      }
      if (typeof said === 'object' && 'called' in said) {
        if (said.id === this.#current) options.called?.(this);
        return;
      }
      const { words } = this.memory;
      const result = typeof said === 'number' ? { ret: words[Word.RET]!, errno: words[Word.ERRNO]! } : said;
      this.#current = 0;
      options.finished(this, result);
    });
    this.#worker.on('error', (cause: Error & { code?: string }) => {
      this.#died(`a worker thread of pool-ts failed: ${cause.message}`, cause);
    });
    this.#worker.on('exit', () => {
      this.#died('a worker thread of pool-ts ended in the middle of a call');
      options.ended(this);
    });
    // After the listeners: the one for messages would ref it again.
    this.#worker.unref();
  }

  /** Whether the thread is inside an order by its own account, which holds also where no event arrives any more. */
  get inside(): boolean {
    return Atomics.load(this.memory.words, Word.CALL) !== 0;
  }

  /** The struct and the data are in the shared memory already. */
  post(order: SyscallRequest): void {
    this.#current = this.#nextId();
    if (putOrder(this.memory.words, this.#current, order)) this.#worker.postMessage({ id: this.#current, order });
  }

  /** What the order that was posted gave, by the thread's own account. */
  get answer(): { ret: number; errno: number } | null {
    const { words } = this.memory;
    if (Atomics.load(words, Word.DONE) !== this.#current) return null;
    return { ret: words[Word.RET]!, errno: words[Word.ERRNO]! };
  }

  /** Waits for that, up to `ms`. */
  awaitAnswer(ms: number): void {
    const { words } = this.memory;
    const done = Atomics.load(words, Word.DONE);
    if (done !== this.#current) Atomics.wait(words, Word.DONE, done, ms);
  }

  /** Whether the order has come to its system call; a `closing` waits for its turn before. */
  called(closing: boolean): boolean {
    const { words } = this.memory;
    const word = closing ? Word.CLOSING : Word.CALL;
    return Atomics.load(words, word) !== 0 || Atomics.load(words, Word.DONE) === this.#current;
  }

  /** Whether the thread has started: it takes 65 ms, and longer on a busy machine. */
  get ready(): boolean {
    return Atomics.load(this.memory.words, Word.TID) !== 0;
  }

  /** Whether the thread can be given an order where no event tells of the last one: that one is done, or will never begin. */
  get free(): boolean {
    if (this.#current === 0 || this.answer !== null) return true;
    return Atomics.load(this.memory.words, Word.STOP) === this.#current && !this.inside;
  }

  /** Makes the thread come back from its order, with EINTR unless it had its result already. */
  interrupt(): void {
    if (this.#current === 0 || !this.interruptible) return;
    const id = this.#current;
    const resend = (wait: number): void => {
      if (this.#current !== id) return;
      this.signal();
      // Unref'd: whether the call keeps the process alive is not decided here.
      setTimeout(resend, wait, Math.min(wait * 1.5, RESEND_MAX_MS)).unref();
    };
    resend(RESEND_MS);
  }

  /** Lets an order of many calls end after the one that it is in, and one that waits for its turn give up. No signal is sent. */
  halt(): void {
    if (this.#current === 0) return;
    Atomics.store(this.memory.words, Word.STOP, this.#current);
    this.memory.messages.wake();
  }

  /** One round of it. False when the thread is not inside an order. */
  signal(): boolean {
    const { words } = this.memory;
    Atomics.store(words, Word.STOP, this.#current);
    this.memory.messages.wake();
    // A thread that pauses between two looks is not in the kernel.
    Atomics.notify(words, Word.STOP);
    if (this.#current === 0 || !this.inside) return false;
    const { libc } = this.#options;
    libc.interruptBy(SIGURG);
    libc.tgkill(process.pid, Atomics.load(words, Word.TID), SIGURG);
    return true;
  }

  ref(): void {
    this.#worker.ref();
  }

  unref(): void {
    this.#worker.unref();
  }

  /** Ends the thread as soon as it is idle. */
  retire(): void {
    putOrder(this.memory.words, this.#nextId(), null);
    this.#worker.postMessage(null);
  }

  #nextId(): number {
    this.#lastId = this.#lastId === LAST_ID ? 1 : this.#lastId + 1;
    return this.#lastId;
  }

  #died(message: string, cause?: Error & { code?: string }): void {
    if (this.#current === 0) return;
    this.#current = 0;
    this.#options.finished(this, new PoolError(cause?.code ?? 'EIO', message, { syscall: 'worker', cause }));
  }
}
