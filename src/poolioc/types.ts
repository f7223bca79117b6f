/**
 * What a device offers: the requests of pool.h, each as a promise. Types only; {@link Device} implements them.
 * Units: sizes are bytes, times milliseconds unless a name says Ns, ports 1..65535, sessions 0..63, channels 0..255.
 */

import type { PoolError } from '../base/errors.js';
import type { Bytes, BytesInput } from '../base/bytes.js';
import type { RawTelemetry } from '../base/session.js';
import type { KernelThread } from './closing/kernel-thread.js';

export type { KernelThread };

/** What every call takes. */
export interface CallOptions {
  /**
   * Takes the call back: out of the queue, or out of the kernel by a signal to its thread. Rejects with the signal's
   * reason, unless the call had its result already: a result is never thrown away. A SEND and a CLOSE_SESS inside the
   * kernel are never signalled (kernel contract, hazards 11 and 12): the promise rejects, the call goes on.
   */
  signal?: AbortSignal | undefined;
  /** ms after which the call is taken back in the same way, and rejects ERR_POOL_TIMEOUT where no other result is named. */
  timeout?: number | undefined;
}

/** A call whose result may still come after its promise was rejected, because the device didn't answer the signal. */
export interface LateOptions<T> extends CallOptions {
  /** Gets that result: the message, or the index of a session that nobody knows otherwise. */
  onLate?: ((result: T) => void) | undefined;
}

/** struct pool_connect_req. */
export interface ConnectRequest {
  /** 16 bytes in network order: IPv6, or IPv4 mapped into it; see {@link ipv4ToMapped}. Link-local is refused. */
  peerAddr: BytesInput;
  peerPort: number;
  /**
   * AF_INET6 (10, the default). AF_INET (2) crashes the module (kernel contract, hazard 1): it is sent as AF_INET6 where
   * the address is IPv4-mapped, and refused otherwise.
   */
  addrFamily?: number | undefined;
  /** 0, the default: the module measured has reserved bytes there. */
  poolVersion?: number | undefined;
}

/** struct pool_send_req. */
export interface SendRequest {
  sessionIdx: number;
  channel?: number | undefined;
  flags?: number | undefined;
  /** 1..65535 bytes; 65511 on a character device (kernel contract, hazard 6). Copied before the call returns. */
  data: BytesInput;
}

/** struct pool_recv_req. */
export interface RecvRequest {
  sessionIdx: number;
  channel?: number | undefined;
  flags?: number | undefined;
  /** 1..65535 bytes. The message is copied here just before the promise settles, and never after. */
  data: BytesInput;
}

/** What RECV filled in. */
export interface RecvResult {
  /** Bytes received, at the start of `data`. 0: a message without bytes. */
  len: number;
  channel: number;
  flags: number;
}

/** struct pool_telemetry. Kernel contract, section 3, says which of its numbers mislead. */
export interface DeviceTelemetry extends RawTelemetry {
  /** Newer modules only. */
  stateDigest?: number;
}

/** What {@link PoolDevice.sendMessages} came to. */
export interface SentMessages {
  /** Messages whose SEND returned 0: the first so many. */
  sent: number;
  /** That of the SEND after them, which failed. None where it was stopped, or had nothing to send for a while. */
  error: PoolError | undefined;
}

/** Options of {@link PoolDevice.sendMessages}. */
export interface SendOptions {
  /** `count` SENDs have returned 0 since the beginning, or there is room where `push` found none. */
  sent: (count: number) => void;
}

/** Many calls that a thread makes one after the other, without coming back in between. */
export interface Transfer<T> {
  readonly done: Promise<T>;
  /** Makes no more of them: a RECV is taken back by a signal, a SEND is let come to its end. */
  stop(): void;
}

/** A thread that sends. */
export interface Sending extends Transfer<SentMessages> {
  /**
   * Hands over a message of 1..65535 bytes (65511 on a character device, kernel contract, hazard 6), whose data are the
   * caller's again. False: not taken, there is no room before `sent`, or it has come to its end.
   */
  push(channel: number, data: BytesInput): boolean;
}

/** Options of {@link PoolDevice.receiveMessages}. */
export interface ReceiveOptions {
  /** Gets each message, which is its own from then on: before `done` settles, and later where a device answers no signal. */
  message: (data: Bytes) => void;
  /** Messages at most; no bound by default. */
  count?: number | undefined;
  /** ms after which it stops. */
  timeout?: number | undefined;
}

/**
 * Why {@link PoolDevice.receiveMessages} ended without an error. `unasked`: its time was over before a thread could make a RECV,
 * and messages may be there.
 */
export type ReceiveEnd = 'count' | 'stopped' | 'timeout' | 'unasked';

/** Options of {@link PoolDevice.sessionRings}. */
export interface RingsOptions {
  /** Gets each message in order, which is its own from then on. False: none before `resume`, also not what is there. */
  message: (channel: number, data: Uint8Array) => boolean;
  /** There is room where `push` found none; or after `flush`, the device has taken all. */
  room: () => void;
  /** The device takes no more messages: what a SEND rejects with, once. */
  refused: (error: PoolError) => void;
  /** Behind the last message: what a RECV rejects with, once. */
  ended: (error: PoolError) => void;
}

/** The rings of {@link PoolDevice.sessionRings}. They keep no process alive. */
export interface SessionRings {
  /**
   * Hands a message of 1..65535 bytes over, whose data are the caller's again: it goes out also where this process ends. False:
   * not taken, there is no room before `room`, or no more are taken.
   */
  push(channel: number, data: Uint8Array): boolean;
  /** Whether the device has not taken all yet. */
  readonly unsent: boolean;
  /** Asks for `room` when the device has taken all. */
  flush(): void;
  /** Messages are wanted: none comes before the first call, nor after one for which `message` gave false. */
  resume(): void;
  /** Whether no message is there. */
  readonly idle: boolean;
  /** Nothing is told any more. What was pushed goes out. Idempotent. */
  close(): void;
}

/** struct pool_session_info: a row of SESSIONS. */
export interface SessionInfo {
  index: number;
  /** 16 bytes: what the slot last dialled, which is not always the peer (kernel contract, section 3). */
  peerAddr: Bytes;
  peerPort: number;
  addrFamily: number;
  /** A {@link SessionState}. 3 does not say that the handshake is done (kernel contract, section 3). */
  state: number;
  /** 16 bytes. */
  sessionId: Bytes;
  bytesSent: bigint;
  bytesRecv: bigint;
  packetsSent: bigint;
  packetsRecv: bigint;
  /** Packets since the last rekey, in spite of its name. */
  rekeyCount: number;
  telemetry: DeviceTelemetry;
}

/** The session table as {@link PoolDevice.tableChange} saw it: to be given to its next call. */
export interface TableState {
  /** The number of the last change, by a device that tells of changes. */
  readonly number: bigint | null;
  /** The listening port that such a device tells, 0 for none. */
  readonly port: number | null;
  /** What the table looked like, where it has to be looked at. */
  readonly digest: Uint8Array | null;
}

/** Options of {@link PoolDevice.tableChange}. */
export interface TableChangeOptions {
  /** Takes the call back; rejects with its reason. */
  signal?: AbortSignal | undefined;
  /** ms between two looks at least, where the device does not tell of changes. Default 25. */
  interval?: number | undefined;
  /**
   * Messages are news, too: where the device tells of changes one that no RECV waits for, else every packet that a session
   * receives and not only its first three. Default false.
   */
  counters?: boolean | undefined;
}

/** One end of a TCP connection. */
export interface SessionEnd {
  /** 16 bytes, IPv4 mapped into IPv6. */
  addr: Bytes;
  port: number;
}

/** Both ends of a session's connection. */
export interface SessionEnds {
  local: SessionEnd;
  remote: SessionEnd;
}

/** Options of {@link PoolDevice.closeSession}. */
export interface CloseSessionOptions extends CallOptions {
  /**
   * End it without CLOSE, whatever is under way on it, so that the peer sees it lost. A device that pool-ts serves can; any
   * other rejects EINVAL, and on the module, a character device, this option is without effect. Default false.
   */
  abort?: boolean;
  /**
   * The session's receiver thread, `pool_rx_<index>`; found in /proc by default. The thread that makes the call looks for it
   * again, right before it. Where it is gone, or can't be seen, the call is not made and rejects ESRCH (kernel contract,
   * hazard 2). Without effect on a device served from user space, unless it is named.
   */
  thread?: KernelThread | undefined;
  /** 16 bytes: the module's slot is closed only if it has that session by then, else it rejects ENOENT. */
  sessionId?: Uint8Array | undefined;
  /**
   * The session's other end was seen in the module's table, too. Where it is not there any more, it was closed, which ends
   * this end's thread: the call is not made and rejects ESRCH (kernel contract, hazard 2). Default false.
   */
  pair?: boolean | undefined;
  /** On the module: called when CLOSE_SESS is made. Until then it waits for its turn: one process at a time closes. */
  onCall?: (() => void) | undefined;
}

/** A session for {@link SyncDevice.closeSessions}. */
export type SessionToClose = Pick<CloseSessionOptions, 'abort' | 'thread' | 'sessionId' | 'pair'> & { index: number };

/** Calls that don't return before they are done, or throw ERR_POOL_TIMEOUT: for the moments before the process ends, 500 ms in all, on the module's device 5000. */
export interface SyncDevice {
  /** The slots of CONNECTs that have succeeded, and whose results no event loop has told of: nobody else knows of them. */
  connected(): readonly number[];
  /** SESSIONS. */
  sessions(): SessionInfo[];
  /**
   * Closes sessions: on the module one after another (kernel contract, hazard 2), elsewhere several at a time, so that one
   * which hangs takes nothing from the others. One that a SEND is in is closed when the SEND has ended in time, else not at
   * all, but with `abort`, where the device can.
   * @returns the indexes of those that were closed, or had gone by then
   */
  closeSessions(sessions: readonly SessionToClose[]): number[];
  /** STOP. */
  stop(): void;
}

/** A device file. Every call rejects with a PoolError whose `code` is the errno's name, `errno` and `syscall` always set,
 * but ENOSPC of CONNECT is ERR_POOL_SESSION_FULL and EMSGSIZE of RECV is ERR_POOL_MESSAGE_TOO_LARGE. Bad arguments reject
 * with ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE or ERR_POOL_INVALID_ADDRESS before any I/O. */
export interface PoolDevice {
  readonly path: string;
  /** The file descriptor; -1 after `close`. */
  readonly fd: number;
  /** True for the module's device; a device served from user space is a regular file. */
  readonly isCharacterDevice: boolean;
  /** LISTEN. Each one that succeeds leaks a thread in the module (kernel contract, section 2): look before. */
  listen(port: number, options?: CallOptions): Promise<void>;
  /** CONNECT. @returns the session's index */
  connect(request: ConnectRequest, options?: LateOptions<number>): Promise<number>;
  /** SEND: the whole message, or an error. */
  send(request: SendRequest, options?: CallOptions): Promise<void>;
  /** SEND of `data` on a channel. */
  sendBytes(session: number, channel: number, data: BytesInput, options?: CallOptions): Promise<void>;
  /** RECV. Without `timeout` the module gives ETIMEDOUT after 5 s; with it, null says that nothing came. */
  recv(request: RecvRequest, options?: LateOptions<Bytes>): Promise<RecvResult | null>;
  /** RECV. @returns bytes received, at the start of `buffer`; null when `timeout` passed and nothing came */
  recvBytes(session: number, channel: number, buffer: BytesInput, options?: LateOptions<Bytes>): Promise<number | null>;
  /**
   * RECV after RECV by a thread that stays at it: nothing waits for this thread between two messages, which come in batches
   * where many do. Rejects as `recv` does; what was received before has been handed over by then.
   */
  receiveMessages(session: number, channel: number, options: ReceiveOptions): Transfer<ReceiveEnd>;
  /**
   * SEND after SEND by a thread that stays with the session as long as it has messages, and a moment longer; one failed ends
   * it. No other SEND is made on the slot meanwhile, and no CLOSE_SESS. Rejects where it couldn't begin.
   */
  sendMessages(session: number, options: SendOptions): Sending;
  /**
   * Lets the messages of a session travel through memory that this process shares with the one that serves the device, as long as
   * both have it open: neither a thread nor a call is needed for a message. It takes the session's messages from RECVs that
   * don't wait. Null where this can't be had: on the module, on a device that does not know it or is another user's, in a worker of
   * the program's, in Bun and Deno, and where another process has rings for the session; or where `sessionId`, 16 bytes, is not the
   * slot's session any more.
   */
  sessionRings(session: number, sessionId: Uint8Array, options: RingsOptions): Promise<SessionRings | null>;
  /** SESSIONS. Rejects ERR_POOL_ABI_MISMATCH when the module's rows are not 120 or 128 bytes long. */
  sessions(options?: CallOptions): Promise<SessionInfo[]>;
  /**
   * Waits until the session table is not what it was: a session came, ended or went. A device that pool-ts serves tells of
   * that, and of ports that are opened and closed, and of messages that no RECV waits for. On others a thread looks at the
   * table, more seldom where a look costs much; nothing reaches this thread while nothing changes. With null it settles at
   * the first look.
   */
  tableChange(known: TableState | null, options?: TableChangeOptions): Promise<TableState>;
  /**
   * CLOSE_SESS. The module's crashes the kernel where the receiver thread has ended, so it is looked for right before, and one
   * process at a time closes: by flock on the device file, which others that close sessions should take, too (kernel
   * contract, hazard 2). Rejects ESRCH where it would not be safe, EBUSY where others closed for 5 s, and EAGAIN where it can't be
   * seen at the moment whether it is safe. A Worker that calls it is to end by itself or by `process.exit()` in it: `terminate()`
   * may leave the lock taken until the process ends.
   */
  closeSession(index: number, options?: CloseSessionOptions): Promise<void>;
  /** A thread for CLOSE_SESS and STOP stands ready from now on, and one more while it is in use: to start one takes 65 ms and more. */
  readyToClose(): void;
  /** STOP. */
  stop(options?: CallOptions): Promise<void>;
  /** CHANNEL SUBSCRIBE: sets the channel's bit. Delivery doesn't look at it. */
  channelSubscribe(session: number, channel: number, options?: CallOptions): Promise<void>;
  /** CHANNEL UNSUBSCRIBE: clears the channel's bit. */
  channelUnsubscribe(session: number, channel: number, options?: CallOptions): Promise<void>;
  /** CHANNEL LIST: 32 bytes, bit c % 8 of byte c / 8 for channel c. */
  channelList(session: number, options?: CallOptions): Promise<Bytes>;
  /** The ends of a session's connection, which a device that pool-ts serves tells; null where a device does not. */
  sessionEnds(session: number, options?: CallOptions): Promise<SessionEnds | null>;
  /** Takes every call back (they reject ERR_POOL_CLOSED) and closes the descriptor; no session is closed by it. Idempotent. */
  close(): Promise<void>;
  /** Calls in flight keep the process alive; so from the start. */
  ref(): this;
  /** Calls in flight don't keep the process alive. */
  unref(): this;
  /** Called at exit, when the workers have stopped; not when the process is killed. @returns a function that takes it back */
  onExit(hook: (device: SyncDevice) => void): () => void;
}
