/** A flow as a Node stream. */
import { addAbortSignal } from 'node:stream';
import { keepName } from '../../base/own-properties.js';
import { FlowStream, type StreamFlow, type StreamSettings } from './flow-stream.js';
import { type Reader, reader } from '../options.js';

/** Options of `toDuplex`. */
export interface DuplexOptions {
  /** True: each chunk is a POOL message, read and written, instead of a piece of a stream of bytes. Default false. */
  objectMode?: boolean | undefined;
  /** Bytes, or messages in object mode, that wait each way before the stream stops. Default 65536, or 16 messages. */
  highWaterMark?: number | undefined;
  /** Destroys the stream, and ends the flow with it, with an AbortError. */
  signal?: AbortSignal | undefined;
  /**
   * True: errors have the codes of a net.Socket, which http, http2 and whatever else takes a socket look for: ECONNRESET
   * for ERR_POOL_PEER_LOST, EPIPE for ERR_POOL_NOT_ESTABLISHED, each with the original as `cause`. Default false.
   */
  netCodes?: boolean | undefined;
}

/** Of a stream of bytes. */
export const HIGH_WATER_MARK_BYTES = 65_536;
const HIGH_WATER_MARK_MESSAGES = 16;

let make: (flow: StreamFlow, options: DuplexOptions | undefined) => FlowDuplex;

/** For `toDuplex`. */
export function duplexOf(flow: StreamFlow, options?: DuplexOptions): FlowDuplex {
  return make(flow, options);
}

/**
 * A Conn or a Channel as a Node stream. It reads nothing before somebody reads it, and from its first read on other reads
 * of the flow reject with ERR_POOL_LOCKED. A write calls back as `Flow.write` settles, and waiting for it, or for `drain`,
 * is the backpressure. Written chunks that wait together go out together, as few messages; in object mode each is one.
 *
 * There is no half close. `end()` sends what was written and closes: a Conn's session, reading included, so a program
 * that awaits a reply reads it first; a Channel on this side only. Then comes `close`, without `end` unless the peer had
 * closed before, so that `pipeline` and `for await` tell a reply that was cut off. The peer's close is `end`, behind all
 * that it sent, and this side ends then by itself. A write that comes after the peer's close goes nowhere: as on a TCP
 * connection the first is taken, and others fail once all that the peer sent was read.
 *
 * `destroy()` is, with an error or without, what it is for a net.Socket: what was handed over still goes out, for 5 s at
 * most, what waits to be is dropped, and the peer sees a close. `resetAndDestroy()` ends at once, and the peer of a Conn sees
 * ERR_POOL_PEER_LOST. A failure of the flow, and a read or write deadline that passes, destroys with that error. Closing
 * the flow by itself emits `close` alone, and so does destroying it without a reason. As with every Node stream, a
 * `for await` destroys it when it is left.
 */
export class FlowDuplex extends FlowStream {
  /** Never true: a flow is connected. */
  readonly connecting = false;
  /** Never true, as `connecting`. */
  readonly pending = false;
  readonly #flow: StreamFlow['flow'];

  static {
    keepName(this, 'FlowDuplex');
    // Private, so that the types that programs see don't tell of what a flow is made of.
    make = (flow, options) => new FlowDuplex(flow, options);
  }

  private constructor(ends: StreamFlow, options: DuplexOptions | undefined) {
    const { signal, ...settings } = readOptions(reader(options));
    super(settings);
    this.#flow = ends.flow;
    this.attach(ends);
    // Given to Node's constructor, one that has fired would destroy what is only half made.
    if (signal !== undefined) addAbortSignal(signal, this);
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

  /** This side's address, as on a net.Socket. */
  address(): { address: string; family: 'IPv4' | 'IPv6'; port: number } {
    const { address, family, port } = this.#flow.localAddr;
    return { address, family, port };
  }
}

function readOptions(read: Reader): StreamSettings & { signal: AbortSignal | undefined } {
  const objectMode = read.boolean('objectMode') ?? false;
  const highWaterMark = read.integer('highWaterMark', 0, Number.MAX_SAFE_INTEGER);
  const signal = read.signal('signal');
  const netCodes = read.boolean('netCodes') ?? false;
  read.done();
  return {
    objectMode,
    highWaterMark: highWaterMark ?? (objectMode ? HIGH_WATER_MARK_MESSAGES : HIGH_WATER_MARK_BYTES),
    signal,
    netCodes,
  };
}
