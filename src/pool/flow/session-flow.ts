/**
 * The half of Conn and Channel that is the same: argument checks, reads, writes, deadlines, addresses, closing. The
 * work itself is in flow-reader, flow-writer, flow-end and streams.
 */
import type { ReadableStream, WritableStream } from 'node:stream/web';
import { orAborted } from '../../base/abort.js';
import { inspect, type InspectOptions } from 'node:util';
import type { Bytes, BytesInput } from '../../base/bytes.js';
import type { Addr } from '../address/addr.js';
import type { BackendSession } from '../backend.js';
import { fromCallSite, methodSite } from '../call-site.js';
import { type DuplexOptions, duplexOf, type FlowDuplex } from '../streams/duplex.js';
import type { Flow, FlowClosed, FlowJson } from './flow.js';
import { streamFlow, type StreamFlow } from '../streams/flow-stream.js';
import { FlowEnd } from './flow-end.js';
import { FlowWriter } from './flow-writer.js';
import { messagesOf } from '../streams/message-iterator.js';
import { batchesOf, drainableProtocol, toAsyncStreamable } from '../streams/stream-iter.js';
import { fromCaller, fromCallerOfShared, rejectFromCaller, type OpTarget } from '../op-error.js';
import {
  closeTimeoutOf,
  DEFAULT_CLOSE_TIMEOUT_MS,
  maxOf,
  requireReason,
  signalOf,
  type CloseOptions,
  type OpOptions,
  type ReadMessagesOptions,
} from '../op-options.js';
import { requireBuffer, toBytes, toMessage, toMessages } from './written-data.js';
import type { ReadBudget } from './read-budget.js';
import { FlowReader } from './flow-reader.js';
import { readableOf, writableOf } from '../streams/web-streams.js';
import type { WriteScheduler } from './write-scheduler.js';
import type { TimerFunctions } from '../../base/timers.js';

/** What the flows of one session share. */
export interface SessionDeps {
  readonly session: BackendSession;
  readonly bound: ReadBudget;
  readonly writes: WriteScheduler;
  readonly timers: TimerFunctions;
}

export abstract class SessionFlow implements Flow {
  readonly closed: Promise<FlowClosed>;
  readonly localAddr: Addr;
  readonly remoteAddr: Addr;
  readonly maxMessageSize: number;
  protected readonly reads: FlowReader;
  protected readonly writer: FlowWriter;
  protected readonly target: OpTarget;
  protected readonly ending: FlowEnd;
  #closing: Promise<void> | undefined;
  #shuttingDown: Promise<boolean> | undefined;
  #readable: ReadableStream<Bytes> | undefined;
  #writable: WritableStream<BytesInput> | undefined;

  constructor({ session, bound, writes, timers }: SessionDeps, channel: number) {
    this.localAddr = session.localAddr;
    this.remoteAddr = session.remoteAddr;
    this.maxMessageSize = session.maxMessageSize;
    this.target = channel === 0 ? { addr: session.remoteAddr } : { addr: session.remoteAddr, channel };
    this.reads = new FlowReader(this.target, bound, timers);
    this.writer = new FlowWriter(this.target, writes, channel, timers);
    this.ending = new FlowEnd(this.target, () => methodSite(this, 'destroy'), timers);
    this.closed = this.ending.closed;
  }

  read(buffer: BytesInput, options?: OpOptions): Promise<number | null> {
    try {
      const signal = signalOf(options);
      return fromCaller(this.reads.read(requireBuffer(buffer), signal), signal);
    } catch (error) {
      return rejectFromCaller(error, this, 'read', options?.signal);
    }
  }

  readMessage(options?: OpOptions): Promise<Bytes | null> {
    try {
      if (options === undefined) {
        const message = this.reads.messageNow();
        if (message !== null) return Promise.resolve(message);
      }
      const signal = signalOf(options);
      return fromCaller(this.reads.readMessage(signal), signal);
    } catch (error) {
      return rejectFromCaller(error, this, 'readMessage', options?.signal);
    }
  }

  readText(options?: OpOptions): Promise<string | null> {
    try {
      const signal = signalOf(options);
      return fromCaller(this.reads.readMessage(signal).then(utf8), signal);
    } catch (error) {
      return rejectFromCaller(error, this, 'readText', options?.signal);
    }
  }

  readMessages(options?: ReadMessagesOptions): Promise<Bytes[] | null> {
    try {
      const signal = signalOf(options, 'max');
      return fromCaller(this.reads.readMessages(maxOf(options), signal), signal);
    } catch (error) {
      return rejectFromCaller(error, this, 'readMessages', options?.signal);
    }
  }

  write(data: BytesInput | string, options?: OpOptions): Promise<number> {
    try {
      const signal = signalOf(options);
      return fromCaller(this.writer.write('write', toBytes(data), signal) as Promise<number>, signal);
    } catch (error) {
      return rejectFromCaller(error, this, 'write', options?.signal);
    }
  }

  writeMessage(data: BytesInput | string, options?: OpOptions): Promise<void> {
    try {
      const signal = signalOf(options);
      const message = toMessage(data, this.maxMessageSize);
      const shared = signal === undefined ? this.writer.writeNow(message) : null;
      if (shared !== null) return fromCallerOfShared(shared as Promise<undefined>);
      return fromCaller(this.writer.write('writeMessage', message, signal) as Promise<undefined>, signal);
    } catch (error) {
      return rejectFromCaller(error, this, 'writeMessage', options?.signal);
    }
  }

  writeMessages(messages: readonly (BytesInput | string)[], options?: OpOptions): Promise<void> {
    try {
      const signal = signalOf(options);
      const checked = toMessages(messages, this.maxMessageSize);
      return fromCaller(this.writer.write('writeMessages', checked, signal) as Promise<undefined>, signal);
    } catch (error) {
      return rejectFromCaller(error, this, 'writeMessages', options?.signal);
    }
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Bytes> {
    return messagesOf(this.reads);
  }

  /** The protocol by which node:stream/iter reads an object: batches of messages, with the rules of the iterator. */
  [toAsyncStreamable](): AsyncIterableIterator<Bytes[]> {
    return batchesOf(this.reads);
  }

  /**
   * The protocol of node:stream/iter's `ondrain`: fulfils with true once all that was written is handed over, and with false
   * when the flow ends before; null once it takes no more.
   */
  [drainableProtocol](): Promise<boolean> | null {
    if (this.state !== 'open') return null;
    return this.writer.flushed().then(() => this.state === 'open');
  }

  get readable(): ReadableStream<Bytes> {
    this.#readable ??= readableOf(this.reads, () => {
      this.#readable = undefined;
    });
    return this.#readable;
  }

  get writable(): WritableStream<BytesInput> {
    this.#writable ??= writableOf(this, () => {
      this.#writable = undefined;
    });
    return this.#writable;
  }

  toDuplex(options?: DuplexOptions): FlowDuplex {
    return duplexOf(this[streamFlow](), options);
  }

  /** For streams that are made elsewhere. */
  [streamFlow](): StreamFlow {
    return {
      flow: this,
      reads: this.reads,
      close: () => this.#shutDown(DEFAULT_CLOSE_TIMEOUT_MS),
      hangUp: (error) => this.#hangUp(error),
    };
  }

  setDeadline(at: Date | number | null): void {
    fromCallSite(this, 'setDeadline', () => {
      this.reads.deadline.set(at);
      this.writer.deadline.set(at);
    });
  }

  setReadDeadline(at: Date | number | null): void {
    fromCallSite(this, 'setReadDeadline', () => this.reads.deadline.set(at));
  }

  setWriteDeadline(at: Date | number | null): void {
    fromCallSite(this, 'setWriteDeadline', () => this.writer.deadline.set(at));
  }

  close(options?: CloseOptions): Promise<void> {
    try {
      const signal = signalOf(options, 'closeTimeout');
      const timeout = closeTimeoutOf(options);
      this.#closing ??= floating(fromCaller(this.#shutDown(timeout).then(() => {})));
      return signal === undefined ? this.#closing : floating(fromCaller(orAborted(this.#closing, signal), signal));
    } catch (error) {
      return rejectFromCaller(error, this, 'close', options?.signal);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  destroy(error?: Error | null): void {
    // Before anything happens: a reason that can't be told must not leave half an end behind.
    this.abandon(fromCallSite(this, 'destroy', () => requireReason(error)));
  }

  abstract ref(): this;
  abstract unref(): this;

  #shutDown(timeout: number): Promise<boolean> {
    this.#shuttingDown ??= floating(this.shutDown(timeout));
    return this.#shuttingDown;
  }

  /** How a stream on this flow is destroyed. */
  #hangUp(error: Error | undefined): void {
    if (error !== undefined) this.ending.hungUpBy(error);
    this.reads.close(error);
    this.writer.destroy(error);
    void this.#shutDown(DEFAULT_CLOSE_TIMEOUT_MS);
  }

  /** What `destroy` does. */
  protected abstract abandon(error: Error | undefined): void;

  /**
   * The one run of `close`; its first part, which stops reading and further writing, happens before it returns. False: it
   * was destroyed meanwhile.
   */
  protected abstract shutDown(timeout: number): Promise<boolean>;

  get state(): Flow['state'] {
    return this.ending.state;
  }

  /** Whether the timers of pending calls keep the process alive. */
  holdProcess(hold: boolean): void {
    for (const { deadline } of [this.reads, this.writer]) {
      if (hold) deadline.ref();
      else deadline.unref();
    }
  }

  /** Takes no further calls; what was accepted is still sent. */
  protected startClosing(): void {
    this.ending.begin();
    this.reads.close();
    this.writer.close();
  }

  get localAddress(): string {
    return this.localAddr.address;
  }

  get localPort(): number {
    return this.localAddr.port;
  }

  get localFamily(): 'IPv4' | 'IPv6' {
    return this.localAddr.family;
  }

  get remoteAddress(): string {
    return this.remoteAddr.address;
  }

  get remotePort(): number {
    return this.remoteAddr.port;
  }

  get remoteFamily(): 'IPv4' | 'IPv6' {
    return this.remoteAddr.family;
  }

  get bytesRead(): number {
    return this.reads.bytesReceived;
  }

  get bytesWritten(): number {
    return this.writer.bytesWritten;
  }

  get readableLength(): number {
    return this.reads.length;
  }

  get writableLength(): number {
    return this.writer.length;
  }

  toJSON(): FlowJson {
    const { state, localAddr, remoteAddr, bytesRead, bytesWritten } = this;
    return { state, localAddr: localAddr.toJSON(), remoteAddr: remoteAddr.toJSON(), bytesRead, bytesWritten };
  }

  /** One line for util.inspect. */
  protected abstract describe(): string;

  [inspect.custom](_depth: number, options: InspectOptions & { stylize(text: string, style: string): string }): string {
    return options.stylize(this.describe(), 'special');
  }
}

function utf8(message: Bytes | null): string | null {
  return message === null ? null : Buffer.from(message.buffer, message.byteOffset, message.length).toString('utf8');
}

/** A promise that nobody has to take: how the flow ended, `closed` tells as well. */
function floating<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
