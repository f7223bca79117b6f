/**
 * A flow as a Node stream, and as much of a net.Socket as http, http2, tls and loggers ask for: those members alone are
 * half of this file. What can stand apart from a stream's state does (duplex-chunks, held-reads, idle-timer).
 */
import { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import { keepName } from '../class-name.js';
import type { Flow, FlowClosed } from './flow.js';
import { HeldReads } from './held-reads.js';
import { IdleTimer } from './idle-timer.js';
import { type Reader, reader } from './options.js';
import { MAX_PORTABLE_MESSAGE } from './constants.js';
import { joinChunks, toChunk, type WrittenChunk } from './duplex-chunks.js';
import type { ReadQueue } from './read-queue.js';
import { nextTick, setImmediate } from '../base/timers.js';

/** Options of `toDuplex`. */
export interface DuplexOptions {
  /** True: each chunk is a POOL message, read and written, instead of a piece of a stream of bytes. Default false. */
  objectMode?: boolean | undefined;
  /** Bytes, or messages in object mode, that wait each way before the stream stops. Default 65536, or 16 messages. */
  highWaterMark?: number | undefined;
  /** Destroys the stream, and the flow with it, with an AbortError. */
  signal?: AbortSignal | undefined;
}

/** What one read takes from the flow at most, so that what is unread stays within the flow's own bound. */
const READ_BYTES = 65_536;
const HIGH_WATER_MARK_BYTES = 65_536;
const HIGH_WATER_MARK_MESSAGES = 16;

let make: (flow: Flow, reads: ReadQueue, options: DuplexOptions | undefined) => FlowDuplex;

/** For `toDuplex`. */
export function duplexOf(flow: Flow, reads: ReadQueue, options?: DuplexOptions): FlowDuplex {
  return make(flow, reads, options);
}

/**
 * A Conn or a Channel as a Node stream. It reads nothing before somebody reads it, and from its first read on other reads
 * of the flow reject with ERR_POOL_LOCKED. A write calls back as `Flow.write` settles, and waiting for it, or for `drain`,
 * is the backpressure. Written chunks that wait together go out together, as few messages; in object mode each is one.
 *
 * There is no half close. `end()` sends what was written and closes: a Conn's session, reading included, so a program
 * that awaits a reply reads it first; a Channel on this side only. Then comes `close`, without `end` unless the peer had
 * closed before, so that `pipeline` and `for await` tell a reply that was cut off. The peer's close is `end`, behind all
 * that it sent, and this side ends then by itself.
 *
 * `destroy()` destroys the flow: the peer of a Conn sees ERR_POOL_PEER_LOST, as no CLOSE is sent. A failure of the flow,
 * and a read or write deadline that passes, destroys with that error. Closing the flow by itself emits `close` alone.
 * As with every Node stream, a `for await` destroys it when it is left.
 */
export class FlowDuplex extends Duplex {
  /** Never true: a flow is connected. */
  readonly connecting = false;
  /** Never true, as `connecting`. */
  readonly pending = false;
  /** ms that `setTimeout` was given; 0 while it is off. */
  timeout = 0;
  readonly #flow: Flow;
  readonly #held: HeldReads;
  readonly #batchMax: number;
  /** Messages that came with the last read and don't fit yet; those before `#next` are pushed. */
  #batch: readonly Uint8Array[] = [];
  #next = 0;
  #reading = false;
  #wanted = false;
  #ending = false;
  /** The reads are somebody else's: what becomes of this stream is not the flow's affair. */
  #locked = false;
  #idle = new IdleTimer(0, () => true);
  #bytesWrittenWhenIdle = 0n;

  static {
    keepName(this, 'FlowDuplex');
    // Private, so that the types that programs see don't tell of what a flow is made of.
    make = (flow, reads, options) => new FlowDuplex(flow, reads, options);
  }

  private constructor(flow: Flow, reads: ReadQueue, options: DuplexOptions | undefined) {
    const settings = readOptions(reader(options));
    super({ ...settings, allowHalfOpen: false });
    this.#flow = flow;
    this.#held = new HeldReads(reads);
    this.#batchMax = settings.objectMode ? Math.max(1, settings.highWaterMark) : Infinity;
    // Ahead of any listener of the program: it finds the stream as it will stay.
    this.once('finish', () => {
      if (!this.readableEnded) this.destroy();
    });
    void flow.closed.then((closed) => this.#flowClosed(closed));
  }

  get localAddress(): string {
    return this.#flow.localAddress;
  }

  get localPort(): number {
    return this.#flow.localPort;
  }

  get localFamily(): 'IPv4' | 'IPv6' {
    return this.#flow.localFamily;
  }

  get remoteAddress(): string {
    return this.#flow.remoteAddress;
  }

  get remotePort(): number {
    return this.#flow.remotePort;
  }

  get remoteFamily(): 'IPv4' | 'IPv6' {
    return this.#flow.remoteFamily;
  }

  /** Bytes that came for the flow, read or not; a number, as on a net.Socket. */
  get bytesRead(): number {
    return Number(this.#flow.bytesRead);
  }

  /** Bytes that were sent, and those that wait in this stream; a number, as on a net.Socket. */
  get bytesWritten(): number {
    const waiting = this.writableObjectMode ? 0 : this.writableLength;
    return Number(this.#flow.bytesWritten) + waiting;
  }

  /** As on a net.Socket. */
  get readyState(): 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.readable) return this.writable ? 'open' : 'readOnly';
    return this.writable ? 'writeOnly' : 'closed';
  }

  /** This side's address, as on a net.Socket. */
  address(): { address: string; family: 'IPv4' | 'IPv6'; port: number } {
    const { address, family, port } = this.#flow.localAddr;
    return { address, family, port };
  }

  /**
   * Emits `timeout` when nothing came and nothing was sent for so long, and again after the next traffic. It does nothing
   * else, and doesn't keep the process alive.
   * @param timeout ms; 0 turns it off
   */
  setTimeout(timeout: number, callback?: () => void): this {
    if (this.destroyed) return this;
    this.timeout = timeout;
    this.#idle.stop();
    this.#idle = new IdleTimer(timeout, () => this.#idled());
    if (callback !== undefined) {
      if (timeout === 0) this.removeListener('timeout', callback);
      else this.once('timeout', callback);
    }
    return this;
  }

  /** Does nothing: POOL never holds a message back to fill a packet. */
  setNoDelay(_noDelay?: boolean): this {
    return this;
  }

  /** Does nothing: POOL has a heartbeat of its own. */
  setKeepAlive(_enable?: boolean, _initialDelay?: number): this {
    return this;
  }

  /** Keeps the process alive while the flow is open. */
  ref(): this {
    this.#flow.ref();
    return this;
  }

  /** Doesn't keep the process alive. */
  unref(): this {
    this.#flow.unref();
    return this;
  }

  /** Sends what was written, and destroys then. */
  destroySoon(): void {
    if (this.writable) this.end();
    else if (this.writableFinished) this.destroy();
  }

  /** Sends what was written, and closes: as the flow's own. */
  override async [Symbol.asyncDispose](): Promise<void> {
    if (this.destroyed) return;
    const sent = finished(this, { readable: false });
    this.end();
    await sent;
  }

  override _read(): void {
    this.#wanted = true;
    if (this.#reading || !this.#push()) return;
    this.#reading = true;
    // Out of the promise: what a listener throws is an uncaught exception, as with any other stream.
    this.#held.readMessages(this.#batchMax, READ_BYTES).then(
      (messages) => nextTick(() => this.#got(messages)),
      (error: Error) => nextTick(() => this.#readFailed(error)),
    );
  }

  override _write(
    chunk: WrittenChunk['chunk'],
    encoding: BufferEncoding,
    callback: (error?: Error | null) => void,
  ): void {
    const data = toChunk(chunk, encoding);
    this.#settle(this.writableObjectMode ? this.#flow.writeMessage(data) : this.#flow.write(data), callback);
  }

  override _writev(chunks: readonly WrittenChunk[], callback: (error?: Error | null) => void): void {
    const data = chunks.map(({ chunk, encoding }) => toChunk(chunk, encoding));
    this.#settle(this.writableObjectMode ? this.#flow.writeMessages(data) : this.#writeJoined(data), callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#ending = true;
    this.#settle(this.#flow.close(), callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#idle.stop();
    this.#batch = [];
    // A flow that somebody else is closing still sends what it was given.
    if (!this.#locked && (this.#flow.state === 'open' || this.#ending)) this.#destroyFlow(error ?? undefined);
    this.#held.release();
    callback(error);
  }

  /**
   * What was written right before gets this turn to leave, as bytes that a TCP socket gave to the system: http answers a
   * broken request so.
   */
  #destroyFlow(error: Error | undefined): void {
    if (this.#ending || this.#flow.writableLength === 0) this.#flow.destroy(error);
    else setImmediate(() => this.#flow.destroy(error));
  }

  #got(messages: Uint8Array[] | null): void {
    this.#reading = false;
    if (this.destroyed) return;
    this.#idle.touch();
    if (messages === null) {
      this.#held.release();
      this.push(null);
      // So that `end` comes also where nobody reads, as on a net.Socket.
      this.read(0);
      return;
    }
    this.#batch = messages;
    this.#next = 0;
    this.#wanted = true;
    if (this.#push()) this._read();
  }

  /** Gives on what is left of the last read. Returns whether more is wanted. */
  #push(): boolean {
    // A listener may read within `push`, whose answer then is not the last word.
    while (this.#next < this.#batch.length && this.#wanted) {
      const { buffer, byteOffset, byteLength } = this.#batch[this.#next++]!;
      this.#wanted = false;
      if (this.push(Buffer.from(buffer, byteOffset, byteLength))) this.#wanted = true;
    }
    if (this.#next < this.#batch.length) return false;
    this.#batch = [];
    this.#next = 0;
    return this.#wanted && !this.destroyed;
  }

  #readFailed(error: Error & { code?: string }): void {
    this.#reading = false;
    if (this.#ending || this.destroyed) return;
    if (this.#held.closed) {
      this.destroy();
      return;
    }
    this.#locked = error.code === 'ERR_POOL_LOCKED';
    this.destroy(error);
  }

  /** Where nobody reads, this is how the end is noticed; who reads finds it behind what is queued. */
  #flowClosed({ by, error }: FlowClosed): void {
    if (this.#ending || this.destroyed) return;
    if (by === 'local') this.destroy();
    else if (this.#held.begun || this.#flow.readableLength > 0) return;
    else if (by === 'error') this.destroy(error);
    else {
      this.push(null);
      this.read(0);
    }
  }

  async #writeJoined(chunks: readonly Uint8Array[]): Promise<void> {
    for (const piece of joinChunks(chunks, Math.min(this.#flow.maxMessageSize, MAX_PORTABLE_MESSAGE)))
      await this.#flow.write(piece);
  }

  #settle(pending: Promise<unknown>, callback: (error?: Error | null) => void): void {
    this.#idle.touch();
    pending.then(
      () =>
        nextTick(() => {
          if (!this.destroyed) this.#idle.touch();
          callback();
        }),
      (error: Error) => nextTick(callback, error),
    );
  }

  /** A long write is no silence while it moves. */
  #idled(): boolean {
    const { bytesWritten } = this.#flow;
    const moved = bytesWritten !== this.#bytesWrittenWhenIdle && this.writableLength > 0;
    this.#bytesWrittenWhenIdle = bytesWritten;
    if (!moved) this.emit('timeout');
    return !moved;
  }
}

interface Settings {
  objectMode: boolean;
  highWaterMark: number;
  signal?: AbortSignal;
}

function readOptions(read: Reader): Settings {
  const objectMode = read.boolean('objectMode') ?? false;
  const highWaterMark = read.integer('highWaterMark', 0, Number.MAX_SAFE_INTEGER);
  const signal = read.signal('signal');
  return {
    objectMode,
    highWaterMark: highWaterMark ?? (objectMode ? HIGH_WATER_MARK_MESSAGES : HIGH_WATER_MARK_BYTES),
    ...(signal === undefined ? {} : { signal }),
  };
}
