/** One call of write, writeMessage or writeMessages: the messages that it is made of, and how far they are. */
import { MAX_PORTABLE_MESSAGE } from '../constants.js';
import type { PoolError } from '../../base/errors.js';
import { Waiter } from './waiters.js';

export type WriteOp = 'write' | 'writeMessage' | 'writeMessages';

/** Told when the backend is done with a message of the job. */
export type MessageDone = (job: WriteJob, error?: PoolError) => void;

export class WriteJob extends Waiter<number | undefined> {
  readonly #data: Uint8Array | readonly Uint8Array[];
  readonly #piece: number;
  /** Bytes of all of it, or of each message, at the time of the call: what the memory should still have when it is sent. */
  #sizes: number | number[];
  /** How many messages the job is made of. */
  messages: number;
  /** Messages that the backend was given: they go out whole, or the session ends. */
  started = 0;
  /** Messages that the backend is done with; in their order, as it sends in order. */
  done = 0;
  /** The backend's callback for each message. One function a job: what each message's size was, the order tells. */
  readonly messageDone: (error?: PoolError) => void;

  /**
   * @param data bytes, which above `maxMessageSize` are cut into messages, or messages
   * @param writer whose job it is
   */
  constructor(
    override readonly op: WriteOp,
    data: Uint8Array | readonly Uint8Array[],
    maxMessageSize: number,
    messageDone: MessageDone,
  ) {
    super(op);
    this.#data = data;
    // What has to be cut is cut so that no piece travels as two fragments, which cost a copy at either end.
    this.#piece = data.length > maxMessageSize ? Math.min(maxMessageSize, MAX_PORTABLE_MESSAGE) : maxMessageSize;
    this.messages = data instanceof Array ? data.length : Math.ceil(data.length / this.#piece);
    this.#sizes = data instanceof Array ? data.map(({ length }) => length) : data.length;
    this.messageDone = (error) => messageDone(this, error);
  }

  /** Another message of so many bytes has started, which is done when this job's last one is. */
  join(bytes: number): void {
    if (typeof this.#sizes === 'number') this.#sizes = [this.#sizes];
    this.#sizes.push(bytes);
    this.messages += 1;
    this.started += 1;
  }

  /** The i-th message; the caller's memory, not a copy. Null when that was transferred or resized since the call. */
  message(i: number): Uint8Array | null {
    const message = this.#data instanceof Array ? this.#data[i]! : this.#data;
    if (message.length !== (typeof this.#sizes === 'number' ? this.#sizes : this.#sizes[i])) return null;
    if (this.#data instanceof Array || this.messages === 1) return message;
    return message.subarray(i * this.#piece, (i + 1) * this.#piece);
  }

  size(i: number): number {
    if (typeof this.#sizes !== 'number') return this.#sizes[i]!;
    return Math.min(this.#piece, this.#sizes - i * this.#piece);
  }

  /** Bytes of the first `messages` messages. */
  bytes(messages: number): number {
    if (typeof this.#sizes === 'number') return Math.min(messages * this.#piece, this.#sizes);
    let bytes = 0;
    for (let i = 0; i < messages; i++) bytes += this.#sizes[i]!;
    return bytes;
  }

  /** What errors report: how much went out. */
  progress(messages: number): { bytesWritten?: number; messagesWritten?: number } {
    if (this.op === 'writeMessages') return { messagesWritten: messages, bytesWritten: this.bytes(messages) };
    return this.op === 'write' ? { bytesWritten: this.bytes(messages) } : {};
  }

  /** What the call's promise gives: `write` the bytes, the others nothing. */
  get result(): number | undefined {
    return this.op === 'write' ? this.bytes(this.messages) : undefined;
  }
}
