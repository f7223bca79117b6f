/**
 * The writing half of a flow: its calls in their order. Each POOL message goes out whole or not at all; a call that is
 * cancelled stops between messages, and what has started is the backend's.
 */
import { nodeTimers } from '../../base/timers.js';
import type { SessionEnd } from '../../base/session.js';
import type { PoolError, PoolErrorDetails } from '../../base/errors.js';
import { closedHere, endError, opError, type OpTarget } from '../op-error.js';
import { Waiters } from './waiters.js';
import { WriteJob, type WriteOp } from './write-job.js';
import type { WriteScheduler } from './write-scheduler.js';

/** A message that starts: the caller's memory, and the backend's callback. */
export interface TakenMessage {
  data: Uint8Array;
  done: (error?: PoolError) => void;
}

export class FlowWriter {
  readonly #target: OpTarget;
  readonly #queue: WriteScheduler;
  readonly channel: number;
  /** The first job with messages that have not started. */
  #next: WriteJob | null = null;
  #inLine = false;
  #messagesUnderWay = 0;
  #busy = false;
  #length = 0;
  #bytesWritten = 0;
  #closed = false;
  #closeCause: unknown;
  #end: SessionEnd | null = null;
  /** The call that short messages join which leave with it, and what they have in common: the backend's flush. */
  #joined: WriteJob | null = null;
  #joinedFlush: object | undefined;
  /** What `take` gives: one object for all, as it is read at once. */
  readonly #taken: TakenMessage = { data: new Uint8Array(0), done: () => {} };
  readonly #jobs: Waiters<number | undefined, WriteJob>;

  constructor(target: OpTarget, queue: WriteScheduler, channel: number, timers = nodeTimers) {
    this.#jobs = new Waiters(
      {
        timedOut: (job) => this.#timedOut(job.op, job.progress(job.started)),
        abandon: (job, error) => this.#abandon(job, error),
      },
      timers,
    );
    this.#target = target;
    this.#queue = queue;
    this.channel = channel;
  }

  get deadline(): Waiters<number | undefined, WriteJob>['deadline'] {
    return this.#jobs.deadline;
  }

  /** Bytes that were accepted and not yet sent. */
  get length(): number {
    return this.#length;
  }

  /** Bytes that were sent. */
  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /** For WriteScheduler: whether a message waits to start. */
  get ready(): boolean {
    return this.#next !== null;
  }

  /**
   * Gives the promise of one call; throws what refuses it.
   * @param data for `write` bytes of any length, else messages of 1..maxMessageSize bytes
   */
  write(
    op: WriteOp,
    data: Uint8Array | readonly Uint8Array[],
    signal: AbortSignal | undefined,
  ): Promise<number | undefined> {
    if (this.#closed) throw this.#closedError(op);
    if (signal?.aborted) throw signal.reason;
    const job = new WriteJob(op, data, this.#queue.session.maxMessageSize, this.#messageDone);
    if (job.messages === 0) return Promise.resolve(job.result);
    if (this.#end !== null) throw this.#failure(op, this.#end, job.progress(0));
    if (this.deadline.passed) throw this.#timedOut(op, job.progress(0));
    this.#length += job.bytes(job.messages);
    this.#next ??= job;
    void this.#jobs.add(job, signal);
    // The deadline may pass this very moment.
    if (job.line === null) return job.promise;
    this.#setBusy();
    if (!this.#inLine) {
      this.#inLine = true;
      this.#queue.enqueue(this);
    }
    this.#queue.pump();
    return job.promise;
  }

  /**
   * One message past the line, of a call without signal and deadline, in the usual case: nothing waits, and there is room.
   * Null: it has to go the general way. Messages that the backend settles together share one call.
   */
  writeNow(message: Uint8Array): Promise<number | undefined> | null {
    const { flush } = this.#queue.session;
    if (flush === undefined || this.#closed || this.#end !== null || this.deadline.isSet) return null;
    if (!this.#queue.free(message.length)) return null;
    let job = this.#joined;
    if (job !== null && job.line !== null && flush === this.#joinedFlush) {
      job.join(message.length);
    } else {
      job = new WriteJob('writeMessage', message, message.length, this.#messageDone);
      job.started = 1;
      void this.#jobs.add(job);
      this.#joined = job;
      this.#joinedFlush = flush;
    }
    this.#length += message.length;
    this.#messagesUnderWay += 1;
    if (!this.#busy) this.#setBusy();
    this.#queue.sendNow(this.channel, message, job.messageDone);
    return job.promise;
  }

  /** For WriteScheduler: the next message, which starts with this; null without any, or where it has more than `room` bytes. */
  take(room: number): TakenMessage | 'too long' | null {
    for (let job = this.#next; job !== null; job = this.#next) {
      if (job.size(job.started) > room) return 'too long';
      const message = job.message(job.started);
      if (message === null) {
        this.#refuse(job);
        continue;
      }
      job.started += 1;
      if (job.started === job.messages) this.#next = job.next as WriteJob | null;
      this.#messagesUnderWay += 1;
      this.#taken.data = message;
      this.#taken.done = job.messageDone;
      return this.#taken;
    }
    return null;
  }

  /** Its caller took the memory of what was still to be sent away. That is the fault of this call alone. */
  #refuse(job: WriteJob): void {
    const reason = 'the memory was transferred or resized before it was sent';
    this.#drop(job, opError(job.op, this.#target, 'ERR_INVALID_ARG_VALUE', reason, job.progress(job.started)));
    this.#setBusy();
  }

  /** For WriteScheduler: the flow is not in the line of turns any more. */
  leftLine(): void {
    this.#inLine = false;
  }

  /** Takes no further call; what was accepted is still sent. */
  close(cause?: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closeCause = cause;
  }

  /** Drops what has not started, and rejects what is not sent. */
  destroy(cause?: unknown): void {
    this.close(cause);
    this.#rejectAll((job) => this.#closedError(job.op, job.progress(job.done)));
  }

  end(end: SessionEnd): void {
    if (this.#end !== null) return;
    this.#end = end;
    this.#rejectAll((job) => this.#failure(job.op, end, job.progress(job.done)));
    this.#messagesUnderWay = 0;
    this.#length = 0;
    this.#setBusy();
  }

  /** Settles when all that was accepted was sent, or can't be any more. Never rejects. */
  flushed(): Promise<void> {
    return this.#queue.flushed(this);
  }

  readonly #messageDone = (job: WriteJob, error?: PoolError): void => {
    const bytes = job.size(job.done);
    this.#queue.finished(bytes);
    if (this.#end !== null) return;
    this.#messagesUnderWay -= 1;
    this.#length -= bytes;
    if (error !== undefined) {
      // The session's end is about to follow; the job's messages that have not started stay here until then.
      if (job.line !== null) this.#drop(job, this.#failure(job.op, { by: 'error', error }, job.progress(job.done)));
    } else {
      job.done += 1;
      this.#bytesWritten += bytes;
      if (job.line !== null && job.done === job.messages) this.#jobs.resolve(job, job.result);
    }
    this.#setBusy();
    this.#queue.pump();
  };

  /** Cancelled or timed out: what has not started does not, and what has can't be called back. */
  #abandon(job: WriteJob, error: unknown): void {
    const { started } = job;
    if (started === job.messages) {
      this.#jobs.resolve(job, job.result);
      return;
    }
    // The deadline's error says how much went out; a signal's reason can't.
    const cancelled = job.signal?.aborted === true;
    this.#drop(job, started > 0 && cancelled ? this.#stopped(job, error) : error);
    this.#setBusy();
  }

  #drop(job: WriteJob, error: unknown): void {
    if (job === this.#next) this.#next = job.next as WriteJob | null;
    this.#length -= job.bytes(job.messages) - job.bytes(job.started);
    this.#jobs.reject(job, error);
  }

  #rejectAll(error: (job: WriteJob) => PoolError): void {
    for (let job = this.#jobs.first; job !== null; job = this.#jobs.first) this.#drop(job, error(job));
    this.deadline.dispose();
    this.#setBusy();
  }

  #setBusy(): void {
    const busy = this.#next !== null || this.#messagesUnderWay > 0;
    if (busy === this.#busy) return;
    this.#busy = busy;
    this.#queue.setBusy(this, busy);
  }

  #timedOut(op: string, progress: PoolErrorDetails): PoolError {
    return opError(op, this.#target, 'ERR_POOL_TIMEOUT', 'deadline exceeded', progress);
  }

  /** One signal may end several calls, so its reason can't carry how much of this one went out. */
  #stopped(job: WriteJob, cause: unknown): PoolError {
    const reason = `cancelled after ${job.started} of ${job.messages} messages`;
    const error = opError(job.op, this.#target, 'ABORT_ERR', reason, { ...job.progress(job.started), cause });
    Object.defineProperty(error, 'name', { value: 'AbortError', configurable: true, writable: true });
    return error;
  }

  #closedError(op: string, progress?: PoolErrorDetails): PoolError {
    return closedHere(op, this.#target, { ...progress, cause: this.#closeCause });
  }

  #failure(op: string, end: SessionEnd, progress: PoolErrorDetails): PoolError {
    if (end.by === 'local') return this.#closedError(op, progress);
    if (end.error !== undefined) return endError(op, this.#target, end.error, progress);
    return opError(op, this.#target, 'ERR_POOL_NOT_ESTABLISHED', 'the session was closed by the peer', progress);
  }
}
