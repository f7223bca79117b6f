/** A stream that is there at once and dials meanwhile, as a net.Socket: http's limits and timeouts count on that. */
import { Duplex } from 'node:stream';
import { PoolError } from '../errors.js';
import type { Conn } from '../pool/conn.js';
import { dial } from '../pool/dial.js';
import type { FlowDuplex } from '../pool/duplex.js';
import { IdleTimer } from '../pool/idle-timer.js';
import type { DialOptions } from '../pool/options.js';
import type { AddressInput } from '../pool/target.js';
import { nextTick } from '../base/timers.js';

type Callback = (error?: Error | null) => void;

/** What programs that speak TCP know a failure by: retries and logs look for these codes. */
const TCP_CODES = new Map([
  ['ERR_POOL_PEER_LOST', 'ECONNRESET'],
  ['ERR_POOL_NOT_ESTABLISHED', 'EPIPE'],
]);

/**
 * Dials, and gives the stream right away: what is written waits for the session. `connect` tells of it. It does what the
 * `FlowDuplex` of the Conn does, and has its errors, but for two that get the codes by which HTTP clients decide to retry:
 * ECONNRESET for ERR_POOL_PEER_LOST, EPIPE for ERR_POOL_NOT_ESTABLISHED, each with the original as `cause`. A dial that
 * fails destroys the stream with its error; destroying the stream ends the dial.
 * @param address as for `dial`; a bad one is an `error` of the stream
 * @param options as for `dial`
 * @example const session = http2.connect('http://10.0.0.1:9253', { createConnection: (url) => createConnection(url.host) });
 */
export function createConnection(address: AddressInput, options?: DialOptions): PoolSocket {
  const socket = new PoolSocket((signal) => dial(address, { ...options, signal }));
  if (options?.signal !== undefined) endDialOn(options.signal, socket);
  return socket;
}

/** As of `dial`, the signal is the dial's: later it does nothing. */
function endDialOn(signal: AbortSignal, socket: PoolSocket): void {
  const giveUp = (): void => void socket.destroy(signal.reason as Error);
  const done = (): void => signal.removeEventListener('abort', giveUp);
  signal.addEventListener('abort', giveUp);
  socket.once('connect', done).once('close', done);
  if (signal.aborted) giveUp();
}

/** See {@link createConnection}. */
export class PoolSocket extends Duplex {
  /** True until `connect`. */
  connecting = true;
  /** ms that `setTimeout` was given; 0 while it is off. */
  timeout = 0;
  readonly #dial: (signal: AbortSignal) => Promise<Conn>;
  readonly #dialling = new AbortController();
  #stream: FlowDuplex | null = null;
  #refed = true;
  /** While it dials; then the stream's own does it. */
  #idle = new IdleTimer(0, () => true);

  /** @param dial under a signal that fires when the stream is destroyed before */
  constructor(dial: (signal: AbortSignal) => Promise<Conn>) {
    super({ allowHalfOpen: false });
    this.#dial = dial;
  }

  /** As `connecting`. */
  get pending(): boolean {
    return this.connecting;
  }

  /** This and the following: undefined until it is connected, as on a net.Socket. */
  get localAddress(): string | undefined {
    return this.#stream?.localAddress;
  }

  get localPort(): number | undefined {
    return this.#stream?.localPort;
  }

  get localFamily(): 'IPv4' | 'IPv6' | undefined {
    return this.#stream?.localFamily;
  }

  get remoteAddress(): string | undefined {
    return this.#stream?.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#stream?.remotePort;
  }

  get remoteFamily(): 'IPv4' | 'IPv6' | undefined {
    return this.#stream?.remoteFamily;
  }

  /** Bytes that came. */
  get bytesRead(): number {
    return this.#stream?.bytesRead ?? 0;
  }

  /** Bytes that were sent, and those that wait in this stream. */
  get bytesWritten(): number {
    return (this.#stream?.bytesWritten ?? 0) + this.writableLength;
  }

  /** As on a net.Socket. */
  get readyState(): string {
    return this.connecting && !this.destroyed ? 'opening' : (this.#stream?.readyState ?? 'closed');
  }

  /** This side's address; an empty object until it is connected, as on a net.Socket. */
  address(): ReturnType<FlowDuplex['address']> | Record<string, never> {
    return this.#stream?.address() ?? {};
  }

  /** As of a FlowDuplex; while it dials, the time of that counts. */
  setTimeout(timeout: number, callback?: () => void): this {
    if (this.destroyed) return this;
    this.timeout = timeout;
    if (callback !== undefined) {
      if (timeout === 0) this.removeListener('timeout', callback);
      else this.once('timeout', callback);
    }
    this.#idle.stop();
    if (this.#stream !== null) this.#stream.setTimeout(timeout);
    else this.#idle = new IdleTimer(timeout, () => this.#timedOut());
    return this;
  }

  /** Does nothing, as of a FlowDuplex. */
  setNoDelay(_noDelay?: boolean): this {
    return this;
  }

  /** Does nothing, as of a FlowDuplex. */
  setKeepAlive(_enable?: boolean, _initialDelay?: number): this {
    return this;
  }

  /** Keeps the process alive while it is open. */
  ref(): this {
    this.#refed = true;
    this.#stream?.ref();
    return this;
  }

  /** Doesn't keep the process alive; a dial that is under way does. */
  unref(): this {
    this.#refed = false;
    this.#stream?.unref();
    return this;
  }

  /** Sends what was written, and destroys then. */
  destroySoon(): void {
    if (this.writable) this.end();
    else if (this.writableFinished) this.destroy();
  }

  /** As of any stream; ends a dial that is under way, for which Node would wait. */
  override destroy(error?: Error): this {
    this.#dialling.abort(error);
    return super.destroy(error);
  }

  override _construct(callback: Callback): void {
    // Out of the promise: what a listener throws is an uncaught exception, as with any other stream.
    this.#dial(this.#dialling.signal).then(
      (conn) => nextTick(() => this.#connected(conn, callback)),
      (error: Error) => nextTick(() => callback(this.destroyed ? null : error)),
    );
  }

  override _read(): void {
    this.#stream!.resume();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: Callback): void {
    this.#stream!.write(chunk, (error) => callback(asTcp(error)));
  }

  override _writev(chunks: { chunk: Uint8Array }[], callback: Callback): void {
    const stream = this.#stream!;
    stream.cork();
    const last = chunks.length - 1;
    for (const [i, { chunk }] of chunks.entries()) {
      stream.write(chunk, (error) => {
        if (i === last) callback(asTcp(error));
      });
    }
    stream.uncork();
  }

  override _final(callback: Callback): void {
    this.#stream!.end(callback);
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.connecting = false;
    this.#idle.stop();
    this.#stream?.destroy(error ?? undefined);
    callback(asTcp(error));
  }

  #connected(conn: Conn, callback: Callback): void {
    if (this.destroyed) {
      conn.destroy();
      callback();
      return;
    }
    const stream = conn.toDuplex();
    this.#stream = stream;
    this.connecting = false;
    this.#idle.stop();
    if (this.timeout > 0) stream.setTimeout(this.timeout);
    if (!this.#refed) stream.unref();
    stream.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) stream.pause();
    });
    stream.pause();
    stream.on('end', () => {
      this.push(null);
      this.read(0);
    });
    stream.on('timeout', () => this.emit('timeout'));
    stream.on('error', (error) => this.destroy(asTcp(error)!));
    stream.on('close', () => {
      if (!this.readableEnded && !stream.readableEnded) this.destroy();
    });
    callback();
    this.emit('connect');
    this.emit('ready');
  }

  #timedOut(): boolean {
    this.emit('timeout');
    return true;
  }
}

function asTcp(error: Error | null | undefined): Error | null {
  if (!(error instanceof PoolError)) return error ?? null;
  const code = TCP_CODES.get(error.code);
  if (code === undefined) return error;
  const { message, syscall, address, port } = error;
  return new PoolError(code, message, { syscall, address, port, cause: error });
}
