/**
 * A stream on a flow, as a net.Socket is one on a connection: when it reads, what a write becomes, how the two directions
 * end, and the members that http, http2, tls and loggers ask for. Net is the model: test/http/ends compares event by event.
 */
import { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import { nextTick, setImmediate } from '../../base/timers.js';
import { MAX_PORTABLE_MESSAGE } from '../constants.js';
import { joinChunks, toChunk, type WrittenChunk } from './duplex-chunks.js';
import type { Flow, FlowClosed } from '../flow/flow.js';
import { ReaderLock } from './reader-lock.js';
import { IdleTimer, requireTimeout } from '../flow/idle-timer.js';
import { withNetCode } from './net-codes.js';
import type { FlowReader } from '../flow/flow-reader.js';

/** What one read takes from the flow at most, so that what is unread stays within the flow's own bound. */
const READ_BYTES = 65_536;

/** What a write after the peer's close has at most to be taken all the same. */
const TAKEN_TOO_LATE_BYTES = 65_536;

/** What a stream does to its flow, besides what every program can do. */
export interface StreamFlow {
  readonly flow: Flow;
  readonly reads: FlowReader;
  /** Closes it. False: it was destroyed before all was sent. Rejects as `close`. */
  close(): Promise<boolean>;
  /**
   * Drops what has not started, and closes in the background behind what has.
   * @param error why: how the flow is told to have ended
   */
  hangUp(error: Error | undefined): void;
}

/** What a flow has for its streams; no program is told of it. */
export const streamFlow = Symbol.for('pool-ts.streamFlow');

/** Of any flow of ours. */
export function streamFlowOf(flow: Flow): StreamFlow {
  return (flow as Flow & { [streamFlow](): StreamFlow })[streamFlow]();
}

/** How a stream is made, checked. */
export interface StreamSettings {
  objectMode: boolean;
  /** Bytes, or messages in object mode. */
  highWaterMark: number;
  netCodes: boolean;
}

/** What FlowDuplex, whose flow is there, and PoolSocket, which dials it, share. */
export abstract class FlowStream extends Duplex {
  /** ms that `setTimeout` was given; 0 while it is off. */
  timeout = 0;
  readonly #batchMax: number;
  readonly #told: (error: Error) => Error;
  /** Null until `attach`. */
  #flow: Flow | null = null;
  #ends!: StreamFlow;
  #held!: ReaderLock;
  #stopWatching: () => void = () => {};
  #refed = true;
  /** Messages that came with the last read and don't fit yet; those before `#next` are pushed. */
  #batch: readonly Uint8Array[] = [];
  #next = 0;
  #reading = false;
  #wanted = false;
  #ending = false;
  /** A write has come after the peer's close already. */
  #tooLate = false;
  /** Ends the write that waits until all that came before the peer's close was read. */
  #heldWrite: (() => void) | null = null;
  /** The reads are somebody else's: what becomes of this stream is not the flow's affair. */
  #locked = false;
  #idle = new IdleTimer(0, () => true);
  #bytesWrittenWhenIdle = 0;

  /** @param settings checked */
  constructor({ netCodes, ...settings }: StreamSettings) {
    // `close` comes as net's does: when all else that destroying brings has been told.
    super({ ...settings, allowHalfOpen: true, emitClose: false });
    this.#batchMax = settings.objectMode ? Math.max(1, settings.highWaterMark) : Infinity;
    this.#told = netCodes ? withNetCode : (error) => error;
    // Ahead of any listener of the program: it finds the stream as it will stay.
    this.once('finish', () => {
      if (this.#ending && !this.readableEnded) this.destroy();
    });
    // It ends by itself, some moments later than Node would: TLS on top answers the end with a last record of its own. That
    // nothing more can be written is told at once: whoever leaves a loop or a pipeline at the end would be one that breaks off.
    this.once('end', () => {
      Object.defineProperty(this, 'writable', { value: false, configurable: true });
      setImmediate(() => {
        if (this.#heldWrite !== null) this.#heldWrite();
        else this.end();
      });
    });
  }

  /** The flow, once there is one. */
  protected get flow(): Flow | null {
    return this.#flow;
  }

  /** From here on it is the flow's stream; once. */
  protected attach(ends: StreamFlow): void {
    const { flow, reads } = ends;
    this.#flow = flow;
    this.#ends = ends;
    this.#held = new ReaderLock(reads);
    if (!this.#refed) flow.unref();
    this.#idle.touch();
    this.#stopWatching = reads.onClose((cause) => nextTick(() => this.#closedHere(cause)));
    void flow.closed.then((closed) => this.#flowClosed(closed));
  }

  /** Bytes that came for the flow, read or not; a number, as on a net.Socket. */
  get bytesRead(): number {
    return this.#flow?.bytesRead ?? 0;
  }

  /** Bytes that were sent, and those that wait in this stream; a number, as on a net.Socket. */
  get bytesWritten(): number {
    const waiting = this.writableObjectMode ? 0 : this.writableLength;
    return (this.#flow?.bytesWritten ?? 0) + waiting;
  }

  /** As on a net.Socket. */
  get readyState(): 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.readable) return this.writable ? 'open' : 'readOnly';
    return this.writable ? 'writeOnly' : 'closed';
  }

  /**
   * Emits `timeout` when nothing came and nothing was sent for so long, and again after the next traffic. It does nothing
   * else, and doesn't keep the process alive.
   * @param timeout ms; 0 turns it off
   * @throws PoolError ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE, as a net.Socket
   */
  setTimeout(timeout: number, callback?: () => void): this {
    if (this.destroyed) return this;
    requireTimeout(timeout, callback);
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
    this.#refed = true;
    this.#flow?.ref();
    return this;
  }

  /** Doesn't keep the process alive. */
  unref(): this {
    this.#refed = false;
    this.#flow?.unref();
    return this;
  }

  /** Sends what was written, and destroys then. */
  destroySoon(): void {
    if (!this.writableEnded && !this.destroyed) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  /** Destroys the flow: nothing is waited for, and a Conn's peer sees ERR_POOL_PEER_LOST, as TCP's sees ECONNRESET. */
  resetAndDestroy(): this {
    this.#flow?.destroy();
    return this.destroy();
  }

  /** Sends what was written, and closes: as the flow's own. */
  override async [Symbol.asyncDispose](): Promise<void> {
    if (this.destroyed) return;
    const sent = finished(this, { readable: false });
    this.end();
    await sent;
    this.destroy();
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
    const flow = this.#flow!;
    this.#settle(this.writableObjectMode ? flow.writeMessage(data) : flow.write(data), data.length, callback);
  }

  override _writev(chunks: readonly WrittenChunk[], callback: (error?: Error | null) => void): void {
    const data = chunks.map(({ chunk, encoding }) => toChunk(chunk, encoding));
    const bytes = data.reduce((sum, { length }) => sum + length, 0);
    this.#settle(this.writableObjectMode ? this.#flow!.writeMessages(data) : this.#writeJoined(data), bytes, callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    // The peer was first. What came before can still be read, which closing would end.
    if (this.#over) return callback();
    this.#ending = true;
    this.#idle.touch();
    this.#ends.close().then(
      (sent) => nextTick(() => (sent ? callback() : this.destroy())),
      (error: Error) => nextTick(callback, this.#told(error)),
    );
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#idle.stop();
    this.#stopWatching();
    this.#batch = [];
    const flow = this.#flow;
    if (flow !== null) {
      // A flow that somebody else is closing still sends what it was given.
      if (!this.#locked && (flow.state === 'open' || this.#ending)) this.#ends.hangUp(error ?? undefined);
      this.#held.release();
      this.#heldWrite?.();
    }
    callback(error);
    setImmediate(() => this.emit('close', error !== null));
  }

  /** The flow has ended, and not because this side closed it: it may still have something to read. */
  get #over(): boolean {
    return this.#flow!.state === 'closed' && !this.#held.closed;
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
    // Of a flow that this side closed, #closedHere hears.
    if (this.#ending || this.destroyed || this.#held.closed) return;
    this.#locked = error.code === 'ERR_POOL_LOCKED';
    this.destroy(this.#told(error));
  }

  /** This side closed or destroyed the flow, not through this stream: whether anybody reads or not. */
  #closedHere(cause: unknown): void {
    if (this.#ending || this.destroyed) return;
    this.destroy(cause instanceof Error ? cause : undefined);
  }

  /** Where nobody reads, this is how the end is noticed; who reads finds it behind what is queued. */
  #flowClosed({ by, error }: FlowClosed): void {
    if (this.#ending || this.destroyed || this.#held.closed) return;
    if (this.#held.begun || this.#flow!.readableLength > 0) return;
    if (by === 'error') this.destroy(this.#told(error!));
    else {
      this.push(null);
      this.read(0);
    }
  }

  async #writeJoined(chunks: readonly Uint8Array[]): Promise<void> {
    const flow = this.#flow!;
    const pieces = joinChunks(chunks, Math.min(flow.maxMessageSize, MAX_PORTABLE_MESSAGE));
    for (const piece of pieces) await flow.write(piece);
  }

  #settle(pending: Promise<unknown>, bytes: number, callback: (error?: Error | null) => void): void {
    this.#idle.touch();
    pending.then(
      () =>
        nextTick(() => {
          if (!this.destroyed) this.#idle.touch();
          callback();
        }),
      (error: Error) => nextTick(() => this.#writeFailed(error, bytes, callback)),
    );
  }

  /**
   * A write that fails destroys a stream, with all that is unread in it. Where it fails because the peer has closed, what
   * the peer said before comes first.
   */
  #writeFailed(error: Error & { code?: string }, bytes: number, callback: (error?: Error | null) => void): void {
    const fail = (): void => {
      this.#heldWrite = null;
      callback(this.#told(error));
    };
    if (error.code !== 'ERR_POOL_NOT_ESTABLISHED' || this.destroyed) return fail();
    // As TCP, which learns only from the answer to it that nobody is there; but what is large it could not have taken.
    if (!this.#tooLate && bytes <= TAKEN_TOO_LATE_BYTES) {
      this.#tooLate = true;
      return callback();
    }
    // Who has not begun to read may never do so, and would wait for ever.
    const reads = this.readableFlowing !== null || this.listenerCount('readable') > 0;
    if (reads && !this.readableEnded) this.#heldWrite = fail;
    else fail();
  }

  /** A long write is no silence while it moves. */
  #idled(): boolean {
    const bytesWritten = this.#flow?.bytesWritten ?? 0;
    const moved = bytesWritten !== this.#bytesWrittenWhenIdle && this.writableLength > 0;
    this.#bytesWrittenWhenIdle = bytesWritten;
    if (!moved) this.emit('timeout');
    return !moved;
  }
}
