/** What a Conn and a Channel share: the interface that programs see. */
import type { ReadableStream, WritableStream } from 'node:stream/web';
import type { Bytes, BytesInput } from '../../base/bytes.js';
import type { PoolError } from '../../base/errors.js';
import type { Addr } from '../address/addr.js';
import type { DuplexOptions, FlowDuplex } from '../streams/duplex.js';
import type { CloseOptions, OpOptions, ReadMessagesOptions } from '../op-options.js';

/** How a flow ended. */
export interface FlowClosed {
  /** `local`: this side closed. `remote`: the peer did. `error`: neither, and `error` says what happened. */
  by: 'local' | 'remote' | 'error';
  /** What happened, where neither side closed. */
  error?: PoolError;
}

/** What JSON.stringify writes of a flow. */
export interface FlowJson {
  state: Flow['state'];
  localAddr: ReturnType<Addr['toJSON']>;
  remoteAddr: ReturnType<Addr['toJSON']>;
  bytesRead: number;
  bytesWritten: number;
}

/**
 * A two-way flow of messages, with reads and writes of messages or of bytes.
 *
 * Reads and writes may run at the same time, also several of each: they are served in the order of the calls. Every
 * call rejects, and none throws. All of them reject with ERR_POOL_CLOSED after `close` or `destroy` of this side;
 * with ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE or ERR_OUT_OF_RANGE for a bad argument, before anything happens;
 * and with the reason of their signal when it fires.
 *
 * After the peer's close reads give what is queued and then null, for ever; after a failure of the session (for
 * example ERR_POOL_PEER_LOST) what is queued and then that error. Writes reject with ERR_POOL_NOT_ESTABLISHED or with
 * that error.
 */
export interface Flow extends AsyncDisposable, AsyncIterable<Bytes> {
  /**
   * Reads at most as many bytes as `buffer` has, all from one message; the rest of that message is the next read's. A buffer
   * without bytes gets 0 at once, as in Go.
   * @param buffer is written to only at the moment when the read succeeds
   * @returns how many bytes; null at the end
   * @throws PoolError ERR_POOL_TIMEOUT once the read deadline has passed, even if something is queued: as in Go;
   * ERR_POOL_LOCKED while an iterator or a stream reads. Nothing is lost by either: it is the next read's.
   */
  read(buffer: BytesInput, options?: OpOptions): Promise<number | null>;
  /**
   * Sends all of `data`: up to `maxMessageSize` bytes as one message, else cut into messages of
   * `MAX_PORTABLE_MESSAGE`, each of which is one packet. Nothing at all is 0 bytes and no message.
   * The memory is read until the promise settles, and never after: don't change it before.
   *
   * Settles when the last byte was handed to the socket (user backend), or the device has it (kernel backend: SEND returned, or
   * the memory shared with a served device holds it): waiting for it is the backpressure.
   * @param data an ArrayBuffer, a view of bytes, or a string, which is sent as UTF-8
   * @returns how many bytes: all
   * @throws PoolError ERR_POOL_TIMEOUT once the write deadline has passed. `bytesWritten` says how much went out; a
   * signal that fires in the middle rejects with an AbortError (code ABORT_ERR) that says so too.
   */
  write(data: BytesInput | string, options?: OpOptions): Promise<number>;
  /**
   * Reads exactly one POOL message, or what `read` left of one. The memory is the caller's to keep.
   * @returns null at the end
   * @throws PoolError as `read`
   */
  readMessage(options?: OpOptions): Promise<Bytes | null>;
  /**
   * Reads exactly one POOL message as text: its bytes as UTF-8, as `Buffer.toString` reads them, so that what is none gives
   * U+FFFD. What `writeMessage` and `writeMessages` were given as a string comes out as it was.
   * @returns null at the end
   * @throws PoolError as `read`
   */
  readText(options?: OpOptions): Promise<string | null>;
  /**
   * Sends exactly one POOL message of 1..`maxMessageSize` bytes, whole or not at all: when this rejects because of a
   * signal or the deadline, the message never started, and when it had started by then, this fulfils.
   * @throws PoolError ERR_POOL_MESSAGE_TOO_LARGE, ERR_INVALID_ARG_VALUE for an empty message, ERR_POOL_TIMEOUT
   */
  writeMessage(data: BytesInput | string, options?: OpOptions): Promise<void>;
  /**
   * Reads all messages that are queued, at least one, in one hop.
   * @returns null at the end
   * @throws PoolError as `read`; ERR_OUT_OF_RANGE for a `max` below 1
   */
  readMessages(options?: ReadMessagesOptions): Promise<Bytes[] | null>;
  /**
   * Sends several messages, in their order. All are checked before the first is sent.
   * @throws PoolError as `writeMessage`; when it stops between messages, `messagesWritten` says how many went out
   */
  writeMessages(messages: readonly (BytesInput | string)[], options?: OpOptions): Promise<void>;
  /** Bytes of the longest message: 65535 on the user backend, 65511 on the kernel backend. */
  readonly maxMessageSize: number;
  /**
   * The bytes that come, as a Web Stream in byte mode: a BYOB reader's memory is filled directly, and any other reader
   * gets a message at a time. Nothing is read before somebody asks for it.
   *
   * From its first read until its end, or until it is cancelled, other reads of this flow reject with ERR_POOL_LOCKED.
   * It closes at the peer's close, behind what is queued; it errors when the session fails, when the read deadline passes,
   * and with ERR_POOL_CLOSED when this side closes, since then nobody knows what was still to come. Cancelling it leaves
   * the flow open and gives the reads back. What was cancelled or has failed is replaced: the next use of this property
   * makes a new stream.
   */
  readonly readable: ReadableStream<Bytes>;
  /**
   * Sends bytes, as a Web Stream. A write fulfils as `write` does; `ready` tells when there is room for more.
   *
   * Closing it closes the flow as `close` does: of a Conn the session, reading included, so read a reply before. Aborting
   * it destroys the flow. A write that fails, for example at its deadline, fails the stream and leaves the flow as it is;
   * the next use of this property makes a new stream then.
   */
  readonly writable: WritableStream<BytesInput>;
  /**
   * Makes a Node stream of this flow, for `pipeline`, http, tls and whatever else takes a socket: see {@link FlowDuplex}.
   * Make one of a flow, and leave reading and writing to it.
   * @throws PoolError ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE
   * @example await pipeline(createReadStream('report.pdf'), conn.toDuplex());
   */
  toDuplex(options?: DuplexOptions): FlowDuplex;
  /**
   * Sets the read and the write deadline: the point in time after which calls, pending and future ones, reject with
   * ERR_POOL_TIMEOUT. It can be moved and cleared, and the flow is as good as before then.
   * @param at Date, or ms since the epoch, or null for none
   * @throws PoolError ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE
   */
  setDeadline(at: Date | number | null): void;
  /** As `setDeadline`, for reads only. */
  setReadDeadline(at: Date | number | null): void;
  /** As `setDeadline`, for writes only. A message that has started by then is sent, and its write fulfils. */
  setWriteDeadline(at: Date | number | null): void;
  /**
   * Closes: pending reads reject with ERR_POOL_CLOSED at once, and what is queued unread is dropped; what was written
   * is sent; then a Conn ends its session, and a Channel is closed on this side only. Closing twice is closing once, and
   * without a signal the same promise. `destroy` fulfils it. A promise of it that nobody takes is no unhandled rejection:
   * `closed` tells the same.
   *
   * A Conn's close promises delivery to the peer's node, not to its program, and on the user backend only while this process
   * lives on: where it exits right after, a peer that reads slowly loses what it has not read at its own next heartbeat (5 s).
   * Programs that must know end with a confirmation of their own.
   * @param options.closeTimeout ms; default 5000
   * @throws PoolError ERR_POOL_TIMEOUT when the peer doesn't take what was written within `closeTimeout`: it is
   * destroyed then. The signal ends only the waiting; the closing goes on.
   */
  close(options?: CloseOptions): Promise<void>;
  /**
   * Ends at once: nothing is waited for, pending calls reject with ERR_POOL_CLOSED. A Conn's peer sees
   * ERR_POOL_PEER_LOST, since no CLOSE is sent. A `close` that is under way fulfils.
   * @param error why: `closed` then tells `error` instead of `local`; null is none
   * @throws PoolError ERR_INVALID_ARG_TYPE for a reason that is no error, and nothing happens then
   */
  destroy(error?: Error | null): void;
  /** For JSON.stringify: state, addresses and counters, and nothing of what is in it. */
  toJSON(): FlowJson;
  /** How it ended. Always fulfils. */
  readonly closed: Promise<FlowClosed>;
  /** `closed` may come while messages of the peer are still queued. */
  readonly state: 'open' | 'closing' | 'closed';
  /** Keeps the process alive while it is open: the default. A Channel's is its Conn's. */
  ref(): this;
  /** Doesn't keep the process alive. */
  unref(): this;
  /** This side's address; it stays readable after close, as the following do. */
  readonly localAddr: Addr;
  /** The peer's address. */
  readonly remoteAddr: Addr;
  /** As on a net.Socket. */
  readonly localAddress: string;
  /** As on a net.Socket. */
  readonly localPort: number;
  /** As on a net.Socket. */
  readonly localFamily: 'IPv4' | 'IPv6';
  /** As on a net.Socket. */
  readonly remoteAddress: string;
  /** As on a net.Socket. */
  readonly remotePort: number;
  /** As on a net.Socket. */
  readonly remoteFamily: 'IPv4' | 'IPv6';
  /** Payload bytes that came for this flow, read or not. */
  readonly bytesRead: number;
  /** Payload bytes of this flow that were sent. */
  readonly bytesWritten: number;
  /** Payload bytes that are queued to be read. */
  readonly readableLength: number;
  /** Payload bytes that were accepted and are not yet sent. */
  readonly writableLength: number;
  /**
   * Messages, until either side closes; throws on an error. Leaving the loop doesn't close. While it runs, other reads
   * of this flow reject with ERR_POOL_LOCKED.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Bytes>;
}
