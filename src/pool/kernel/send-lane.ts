/**
 * The messages that a session sends, one SEND at a time. A SEND is never signalled and never repeated, and after one
 * failed no other is made: part of a packet may be on the wire, and what follows would vanish in it (kernel contract,
 * section 4, hazard 11).
 */
import type { PoolError } from '../../errors.js';
import { queueMicrotask } from '../../base/timers.js';

interface Message {
  channel: number;
  data: Uint8Array;
  done: (error?: PoolError) => void;
}

export interface SendLaneOptions {
  /** One SEND. */
  send(channel: number, data: Uint8Array): Promise<void>;
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

export class SendLane {
  readonly #options: SendLaneOptions;
  readonly #highWater: number;
  #queue: Message[] = [];
  #current: Message | null = null;
  #bytes = 0;
  #running: Promise<void> | null = null;
  #stopped: PoolError | null = null;
  #full = false;

  constructor(options: SendLaneOptions) {
    this.#options = options;
    this.#highWater = options.highWater ?? HIGH_WATER_BYTES;
  }

  /** Whether a SEND is inside the kernel. While it is, CLOSE_SESS must not be called (hazard 12). */
  get sending(): boolean {
    return this.#running !== null;
  }

  push(channel: number, data: Uint8Array, done: (error?: PoolError) => void): boolean {
    if (this.#stopped !== null) {
      const error = this.#stopped;
      queueMicrotask(() => done(error));
      return true;
    }
    // A write that is given up settles before its message has gone out, and its buffer is the caller's again.
    this.#queue.push({ channel, data: Uint8Array.from(data), done });
    this.#bytes += data.byteLength;
    this.#running ??= this.#run();
    this.#full ||= this.#bytes >= this.#highWater;
    return !this.#full;
  }

  /** Settles when no SEND is running and none waits; never rejects. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  /**
   * What waits gets this error, and all that comes later too. The SEND that runs goes on, but its sender doesn't wait for
   * it: it may never return.
   */
  stop(error: PoolError): void {
    if (this.#stopped !== null) return;
    this.#stopped = error;
    const waiting = this.#current === null ? this.#queue : [this.#current, ...this.#queue];
    this.#queue = [];
    this.#current = null;
    for (const { done } of waiting) queueMicrotask(() => done(error));
  }

  async #run(): Promise<void> {
    // The caller of push isn't called back before push returned.
    await Promise.resolve();
    for (let message = this.#queue.shift(); message !== undefined; message = this.#queue.shift()) {
      this.#current = message;
      const error = await this.#send(message);
      if (this.#current !== message) break;
      this.#current = null;
      this.#bytes -= message.data.byteLength;
      message.done(error);
      if (!this.#full || this.#bytes * 2 > this.#highWater) continue;
      this.#full = false;
      this.#options.drain();
    }
    this.#running = null;
  }

  async #send({ channel, data }: Message): Promise<PoolError | undefined> {
    try {
      await this.#options.send(channel, data);
      return undefined;
    } catch (cause) {
      const { fatal, error } = this.#options.judge(cause, { channel, bytes: data.byteLength });
      if (fatal) {
        this.stop(error);
        this.#options.failed(error);
      }
      return error;
    }
  }
}
