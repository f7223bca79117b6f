/** A stream that is there at once and dials meanwhile, as a net.Socket: http's limits and timeouts count on that. */
import { onAbort } from '../base/abort.js';
import { isSignal } from '../base/arguments.js';
import { ownOption } from '../base/own-properties.js';
import { nextTick } from '../base/timers.js';
import type { Conn } from '../pool/flow/conn.js';
import { dial } from '../pool/dial.js';
import { HIGH_WATER_MARK_BYTES } from '../pool/streams/duplex.js';
import { FlowStream, streamFlowOf } from '../pool/streams/flow-stream.js';
import { withNetCode } from '../pool/streams/net-codes.js';
import { type DialOptions, reader } from '../pool/options.js';
import type { AddressInput } from '../pool/address/target.js';

type Callback = (error?: Error | null) => void;

/**
 * Dials, and gives the stream right away: what is written waits for the session. `connect` tells of it. It does what the
 * `FlowDuplex` of the Conn does, and has its errors, with net's codes (`netCodes`), by which HTTP clients decide to retry. A dial that
 * fails destroys the stream with its error; destroying the stream ends the dial.
 * @param address as for `dial`; a bad one is an `error` of the stream
 * @param options as for `dial`; bad ones are an `error` of the stream, too
 * @example const session = http2.connect('http://10.0.0.1:9253', { createConnection: (url) => createConnection(url.host) });
 */
export function createConnection(address: AddressInput, options?: DialOptions): PoolSocket {
  const socket = new PoolSocket(async (signal) => {
    // The spread would take a signal in their place for no options, and hide one that is none.
    reader(options).signal('signal');
    return dial(address, { ...options, signal });
  });
  const signal = options && ownOption(options, 'signal');
  if (isSignal(signal)) endDialOn(signal, socket);
  return socket;
}

/** As of `dial`, the signal is the dial's: later it does nothing. */
function endDialOn(signal: AbortSignal, socket: PoolSocket): void {
  const done = onAbort(signal, (reason) => socket.destroy(reason as Error));
  socket.once('connect', done).once('close', done);
}

/** See {@link createConnection}. */
export class PoolSocket extends FlowStream {
  /** True until `connect`. */
  connecting = true;
  readonly #dial: (signal: AbortSignal) => Promise<Conn>;
  readonly #dialling = new AbortController();

  /** @param dial under a signal that fires when the stream is destroyed before */
  constructor(dial: (signal: AbortSignal) => Promise<Conn>) {
    super({ objectMode: false, highWaterMark: HIGH_WATER_MARK_BYTES, netCodes: true });
    this.#dial = dial;
  }

  /** As `connecting`. */
  get pending(): boolean {
    return this.connecting;
  }

  /** This and the following: undefined until it is connected, as on a net.Socket. */
  get localAddress(): string | undefined {
    return this.flow?.localAddress;
  }

  get localPort(): number | undefined {
    return this.flow?.localPort;
  }

  get localFamily(): 'IPv4' | 'IPv6' | undefined {
    return this.flow?.localFamily;
  }

  get remoteAddress(): string | undefined {
    return this.flow?.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.flow?.remotePort;
  }

  get remoteFamily(): 'IPv4' | 'IPv6' | undefined {
    return this.flow?.remoteFamily;
  }

  /** As on a net.Socket. */
  override get readyState(): 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    return this.connecting && !this.destroyed ? 'opening' : super.readyState;
  }

  /** This side's address; an empty object until it is connected, as on a net.Socket. */
  address(): { address: string; family: 'IPv4' | 'IPv6'; port: number } | Record<string, never> {
    if (this.flow === null) return {};
    const { address, family, port } = this.flow.localAddr;
    return { address, family, port };
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
      (error: Error) => nextTick(() => callback(this.destroyed ? null : withNetCode(error))),
    );
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.connecting = false;
    super._destroy(error, callback);
  }

  #connected(conn: Conn, callback: Callback): void {
    if (this.destroyed) {
      void conn.close();
      callback();
      return;
    }
    this.attach(streamFlowOf(conn));
    this.connecting = false;
    callback();
    this.emit('connect');
    this.emit('ready');
  }
}
