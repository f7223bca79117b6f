/**
 * The messages that a session sends, one SEND at a time. A SEND is never signalled and never repeated, and after one
 * failed no other is made: part of a packet may be on the wire, and what follows would vanish in it (kernel contract,
 * hazard 11).
 */
import type { PoolError } from '../../../base/errors.js';
import { queueMicrotask } from '../../../base/timers.js';
import type { SendOptions, Sending } from '../../../poolioc/types.js';

interface OutgoingMessage {
  channel: number;
  data: Uint8Array;
  done: (error?: PoolError) => void;
}

/** What sends, as a session sees it. */
export interface MessageSending extends Sending {
  /** Whether it has messages, told as sent, that a CLOSE_SESS must not overtake. */
  readonly unsent?: boolean;
  /** Asks for `sent` when there are none. */
  flush?(): void;
}

export interface SendQueueOptions {
  /** What sends one message after the other. */
  open(options: SendOptions): MessageSending;
  /** What a SEND's error means: whether other messages may still go out, and what to tell the sender. */
  judge(error: unknown, message: { channel: number; bytes: number }): { fatal: boolean; error: PoolError };
  /** There is room again after `push` gave false. */
  drain(): void;
  /** The session is dead. */
  failed(error: PoolError): void;
  /** Bytes queued from which on `push` gives false. */
  highWater?: number;
}

const HIGH_WATER_BYTES = 256 * 1024;

export class SendQueue {
  readonly #options: SendQueueOptions;
  readonly #highWater: number;
  readonly #queue: OutgoingMessage[] = [];
  /** The first so many of the queue are the thread's, which has not told that they went out. */
  #inside = 0;
  #sending: MessageSending | null = null;
  /** Of what the thread was given, those that went out. */
  #sent = 0;
  #bytes = 0;
  #stopped: PoolError | null = null;
  #full = false;
  #idle: (() => void)[] = [];

  constructor(options: SendQueueOptions) {
    this.#options = options;
    this.#highWater = options.highWater ?? HIGH_WATER_BYTES;
  }

  /** Whether a SEND is inside the kernel, or about to be. While it is, CLOSE_SESS must not be called (hazard 12). */
  get sending(): boolean {
    return this.#sending !== null && (this.#stopped !== null || this.#queue.length > 0);
  }

  push(channel: number, data: Uint8Array, done: (error?: PoolError) => void): boolean {
    if (this.#stopped !== null) {
      const error = this.#stopped;
      queueMicrotask(() => done(error));
      return true;
    }
    this.#bytes += data.byteLength;
    const message = { channel, data, done };
    this.#queue.push(message);
    this.#pump();
    // The buffer is the caller's again; what the thread has is a copy.
    if (this.#inside < this.#queue.length) message.data = new Uint8Array(data);
    this.#full ||= this.#bytes >= this.#highWater;
    return !this.#full;
  }

  /** Settles when no SEND is running and none waits; never rejects. */
  async idle(): Promise<void> {
    while (this.#hasUnsent) {
      const idle = new Promise<void>((resolve) => this.#idle.push(resolve));
      this.#sending?.flush?.();
      await idle;
    }
  }

  get #hasUnsent(): boolean {
    return this.sending || this.#sending?.unsent === true;
  }

  /**
   * What waits gets this error, and all that comes later too. The SEND that runs goes on, but its sender doesn't wait for
   * it: it may never return.
   */
  stop(error: PoolError): void {
    if (this.#stopped !== null) return;
    this.#stopped = error;
    this.#sending?.stop();
    this.#inside = 0;
    for (const { done } of this.#queue.splice(0)) queueMicrotask(() => done(error));
  }

  /** Gives the thread what it takes. */
  #pump(): void {
    while (this.#inside < this.#queue.length) {
      const sending = (this.#sending ??= this.#open());
      const { channel, data } = this.#queue[this.#inside]!;
      // There will be room, or its end is on the way.
      if (!sending.push(channel, data)) return;
      this.#inside += 1;
    }
  }

  #open(): MessageSending {
    this.#sent = 0;
    const sending = this.#options.open({ sent: (count) => this.#told(sending, count) });
    sending.done.then(
      ({ sent, error }) => this.#ended(sending, sent, error),
      (cause: unknown) => this.#ended(sending, this.#sent, cause),
    );
    return sending;
  }

  #told(sending: Sending, count: number): void {
    if (this.#sending !== sending || this.#stopped !== null) return;
    const went = count - this.#sent;
    this.#sent = count;
    this.#inside -= went;
    const messages = this.#queue.splice(0, went);
    // The thread has its next ones before anybody is told of the last.
    this.#pump();
    for (const message of messages) this.#tell(message);
    this.#rest();
  }

  /** The thread has come to its end: by itself, by `stop`, or by a SEND that failed. */
  #ended(sending: Sending, sent: number, cause: unknown): void {
    this.#told(sending, sent);
    this.#sending = null;
    if (this.#stopped === null) {
      this.#inside = 0;
      const failed = cause === undefined ? undefined : this.#queue.shift();
      if (failed !== undefined) this.#failed(failed, cause);
      this.#pump();
    }
    this.#rest();
  }

  #failed(message: OutgoingMessage, cause: unknown): void {
    const { channel, data } = message;
    const { fatal, error } = this.#options.judge(cause, { channel, bytes: data.byteLength });
    if (fatal) {
      this.stop(error);
      this.#options.failed(error);
    }
    this.#tell(message, error);
  }

  #rest(): void {
    if (!this.#hasUnsent) for (const resolve of this.#idle.splice(0)) resolve();
    // What found no room before has gone over meanwhile.
    else if (this.#idle.length > 0 && !this.sending) this.#sending?.flush?.();
  }

  #tell({ data, done }: OutgoingMessage, error?: PoolError): void {
    this.#bytes -= data.byteLength;
    done(error);
    if (!this.#full || this.#bytes * 2 > this.#highWater) return;
    this.#full = false;
    this.#options.drain();
  }
}
