/**
 * The reading half of a flow: messages in their order, the operations that wait for them in theirs, and what comes at
 * the end. A read takes a message only at the moment when it succeeds, so a cancelled or timed-out one loses nothing.
 */
import type { SessionEnd } from '../../base/session.js';
import type { Bytes } from '../../base/bytes.js';
import type { PoolError } from '../../base/errors.js';
import { Deque } from './deque.js';
import { closedHere, endError, opError, type OpTarget } from '../op-error.js';
import type { ReadBudget } from './read-budget.js';
import { Waiter, Waiters } from './waiters.js';
import { nodeTimers, queueMicrotask } from '../../base/timers.js';

export type ReadResult = number | Bytes | Bytes[] | null;

/** Who has the reads of a flow to itself. */
export type ReadHolder = 'iterator' | 'stream';

class ReadWaiter extends Waiter<ReadResult> {
  /**
   * @param buffer to be filled; null for whole messages
   * @param max 0 for one message, else the most messages of a batch
   * @param maxBytes a batch that has as many takes no further message
   */
  constructor(
    op: string,
    readonly buffer: Uint8Array | null,
    readonly max: number,
    readonly maxBytes: number,
  ) {
    super(op);
  }
}

export class FlowReader {
  readonly #target: OpTarget;
  readonly #bound: ReadBudget;
  readonly #messages = new Deque<Bytes>();
  /** Bytes of the front message that were read already. */
  #offset = 0;
  #length = 0;
  #bytesReceived = 0;
  #end: SessionEnd | null = null;
  #closed = false;
  #closeCause: unknown;
  readonly #closeListeners = new Set<(cause: unknown) => void>();
  #holder: ReadHolder | null = null;
  #batchScheduled = false;
  readonly #waiters: Waiters<ReadResult, ReadWaiter>;

  constructor(target: OpTarget, bound: ReadBudget, timers = nodeTimers) {
    this.#target = target;
    this.#bound = bound;
    this.#waiters = new Waiters(
      { timedOut: (waiter) => opError(waiter.op, target, 'ERR_POOL_TIMEOUT', 'deadline exceeded') },
      timers,
    );
  }

  get deadline(): Waiters<ReadResult, ReadWaiter>['deadline'] {
    return this.#waiters.deadline;
  }

  /** Bytes that are queued. */
  get length(): number {
    return this.#length;
  }

  /** Bytes that ever came for this flow. */
  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  /** Whether `close` was called: reads reject from then on. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Calls `listener` when this side closes, at once where it has; gives what takes that back. */
  onClose(listener: (cause: unknown) => void): () => void {
    if (this.#closed) {
      listener(this.#closeCause);
      return () => {};
    }
    this.#closeListeners.add(listener);
    return () => void this.#closeListeners.delete(listener);
  }

  /** At most `buffer.length` bytes of one message, and how many. A buffer without bytes gets 0 at once, as in Go. */
  read(buffer: Uint8Array, signal: AbortSignal | undefined, holder: ReadHolder | null = null): Promise<number | null> {
    return this.#request(buffer, 0, signal, holder) as Promise<number | null>;
  }

  /** The next message, or what is left of one that was read in part. */
  readMessage(signal: AbortSignal | undefined, holder: ReadHolder | null = null): Promise<Bytes | null> {
    return this.#request(null, 0, signal, holder) as Promise<Bytes | null>;
  }

  /** Between 1 and `max` messages: all that is queued, but none behind `maxBytes` bytes. */
  readMessages(
    max: number,
    signal: AbortSignal | undefined,
    holder: ReadHolder | null = null,
    maxBytes = Infinity,
  ): Promise<Bytes[] | null> {
    return this.#request(null, max, signal, holder, maxBytes) as Promise<Bytes[] | null>;
  }

  /** Gives the reads to one holder; others get ERR_POOL_LOCKED meanwhile. */
  lock(holder: ReadHolder): void {
    if (this.#holder !== null || !this.#waiters.empty) throw this.#lockedError();
    this.#holder = holder;
  }

  /** Ends what the holder still waits for with null, and lets others read. */
  unlock(holder: ReadHolder): void {
    if (this.#holder !== holder) return;
    this.#holder = null;
    for (let waiter = this.#waiters.first; waiter !== null; waiter = this.#waiters.first) {
      this.#waiters.resolve(waiter, null);
    }
  }

  /** A message came; the queue keeps it. */
  push(message: Uint8Array): void {
    if (this.#closed) return;
    // A backend gives it away, and none shares its memory.
    const data = message as Bytes;
    this.#bytesReceived += data.length;
    const waiter = this.#waiters.first;
    // The usual case of a reader that is ahead: it gets the message, and no queue and no bound is touched.
    if (waiter !== null && waiter.buffer === null && waiter.max === 0 && this.#messages.length === 0) {
      this.#waiters.resolve(waiter, data);
      return;
    }
    this.#messages.push(data);
    this.#length += data.length;
    this.#bound.take(data.length);
    if (waiter === null) return;
    if (waiter.max === 0) this.#serve();
    else if (!this.#batchScheduled) {
      // A batch waits for the rest of this tick: what came with one piece of the stream leaves in one hop.
      this.#batchScheduled = true;
      queueMicrotask(this.#serveBatch);
    }
  }

  /** The session is over: what is queued can still be read, then null or the error. */
  end(end: SessionEnd): void {
    if (this.#end !== null) return;
    this.#end = end;
    this.#serve();
    this.deadline.dispose();
  }

  /** This side closed: what is queued is dropped, and what waits rejects at once. */
  close(cause?: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closeCause = cause;
    for (let data = this.#messages.shift(); data !== undefined; data = this.#messages.shift()) {
      this.#bound.give(data.length);
    }
    this.#offset = 0;
    this.#length = 0;
    this.#waiters.rejectAll((waiter) => this.#closedError(waiter.op));
    this.deadline.dispose();
    for (const listener of this.#closeListeners) listener(cause);
    this.#closeListeners.clear();
  }

  /** The next message if it can be had at once, without waiting and without an error; else null. */
  messageNow(): Bytes | null {
    if (this.#messages.length === 0 || this.#closed || this.#holder !== null || !this.#waiters.empty) return null;
    return this.deadline.isSet ? null : this.#shift();
  }

  #request(
    buffer: Uint8Array | null,
    max: number,
    signal: AbortSignal | undefined,
    holder: ReadHolder | null,
    maxBytes = Infinity,
  ): Promise<ReadResult> {
    const op = 'read';
    if (this.#closed) throw this.#closedError(op);
    if (this.#holder !== holder) throw this.#lockedError();
    if (signal?.aborted) throw signal.reason;
    if (buffer !== null && buffer.length === 0) return Promise.resolve(0);
    if (this.deadline.passed) throw opError(op, this.#target, 'ERR_POOL_TIMEOUT', 'deadline exceeded');
    if (this.#waiters.empty) {
      if (this.#messages.length > 0) return Promise.resolve(this.#take(buffer, max, maxBytes));
      if (this.#end !== null) return this.#atEnd(op, this.#end);
    }
    return this.#waiters.add(new ReadWaiter(op, buffer, max, maxBytes), signal);
  }

  #take(buffer: Uint8Array | null, max: number, maxBytes: number): ReadResult {
    if (buffer !== null) return this.#fill(buffer);
    if (max === 0) return this.#shift();
    const batch: Bytes[] = [];
    for (let bytes = 0; batch.length < max && bytes < maxBytes && this.#messages.length > 0; ) {
      const message = this.#shift();
      bytes += message.length;
      batch.push(message);
    }
    return batch;
  }

  #fill(buffer: Uint8Array): number {
    const message = this.#messages.first()!;
    const left = message.length - this.#offset;
    if (left <= buffer.length) {
      buffer.set(this.#shift());
      return left;
    }
    buffer.set(message.subarray(this.#offset, this.#offset + buffer.length));
    this.#offset += buffer.length;
    this.#length -= buffer.length;
    return buffer.length;
  }

  #shift(): Bytes {
    const message = this.#messages.shift()!;
    const rest = this.#offset === 0 ? message : message.subarray(this.#offset);
    this.#offset = 0;
    this.#length -= rest.length;
    this.#bound.give(message.length);
    return rest;
  }

  #serve(): void {
    for (let waiter = this.#waiters.first; waiter !== null; waiter = this.#waiters.first) {
      const { buffer, max, maxBytes } = waiter;
      if (buffer?.length === 0) this.#waiters.reject(waiter, this.#bufferGone(waiter.op));
      else if (this.#messages.length > 0) this.#waiters.resolve(waiter, this.#take(buffer, max, maxBytes));
      else if (this.#end === null) return;
      else if (this.#end.by === 'error') this.#waiters.reject(waiter, this.#failure(waiter.op, this.#end));
      else this.#waiters.resolve(waiter, null);
    }
  }

  /** It had room when the read was called. */
  #bufferGone(op: string): PoolError {
    const reason = 'the buffer was transferred or resized while the read waited';
    return opError(op, this.#target, 'ERR_INVALID_ARG_VALUE', reason);
  }

  readonly #serveBatch = (): void => {
    this.#batchScheduled = false;
    this.#serve();
  };

  #atEnd(op: string, end: SessionEnd): Promise<null> {
    if (end.by === 'error') throw this.#failure(op, end);
    return Promise.resolve(null);
  }

  #failure(op: string, end: SessionEnd): PoolError {
    return end.error === undefined
      ? opError(op, this.#target, 'ERR_POOL_PEER_LOST', 'the session ended')
      : endError(op, this.#target, end.error);
  }

  #closedError(op: string): PoolError {
    return closedHere(op, this.#target, { cause: this.#closeCause });
  }

  #lockedError(): PoolError {
    const reason =
      this.#holder === null
        ? 'a read is pending, so nothing else can take over reading'
        : `${this.#holder === 'iterator' ? 'an iterator' : 'a stream'} reads, and one flow has one way of reading at a time`;
    return opError('read', this.#target, 'ERR_POOL_LOCKED', reason);
  }
}
