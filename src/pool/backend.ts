/**
 * The one seam between the API and what carries it. A backend dials, listens, and hands out sessions that send, deliver
 * messages and end; queues, deadlines, cancellation and streams are the API's, once, for both backends.
 */
import type { PoolError } from '../base/errors.js';
import type { DialAuthentication, HandshakeOptions, ListenAuthentication, NodePeer } from '../poolnode/types.js';
import type { Addr } from './address/addr.js';
import type { SessionInfo, SessionState, Telemetry } from './telemetry.js';

/** Why a session ended. `remote` only after an authenticated CLOSE (or ECONNRESET in state CLOSING on the device). */
export interface BackendEnd {
  by: 'local' | 'remote' | 'error';
  error?: PoolError;
}

/** Where a backend session delivers. Calls come from the event loop, never from within a call into the session. */
export interface BackendHandler {
  /** One whole message, the receiver's to keep. False: taken, but no other before `resume()`. */
  message(channel: number, data: Uint8Array): boolean;
  /** `send` returned false before, and there is room again. */
  drain(): void;
  rekeyed?(count: number): void;
  stalled?(ms: number): void;
  /** The last call, exactly once, after every message that arrived before the end. */
  end(end: BackendEnd): void;
}

export interface BackendSession {
  /** Slot in the session table. */
  readonly index: number;
  /** Session id, 32 hexadecimal digits. */
  readonly id: string;
  readonly localAddr: Addr;
  readonly remoteAddr: Addr;
  /** What the peer proved of itself; absent where a backend asks for nothing. */
  readonly peer?: NodePeer;
  /** Bytes: 65535 (user) or 65511 (kernel). */
  readonly maxMessageSize: number;
  /** It has ended, and nothing but its handshake was ever heard: nobody is to be given it. Asked before `start`. */
  stillborn?(): boolean;
  /** Begins delivery; once. */
  start(handler: BackendHandler): void;
  /**
   * Starts sending one whole message of 1..maxMessageSize bytes. From here on it goes out whole or the session ends.
   * `done` is called once: when its last byte was handed to the socket (user), when SEND returned (kernel), or with the
   * error that ended the session. `data` is the caller's again when `send` returns: a write whose message has started
   * settles at its deadline, and its buffer is free from then on. False: send no more until `drain()`.
   */
  send(channel: number, data: Uint8Array, done: (error?: PoolError) => void): boolean;
  /**
   * Messages that are sent while this is the same object are done in one turn, one right after the other, so that their
   * callers need but one promise. Undefined where each has a time of its own.
   */
  readonly flush?: object | undefined;
  resume(): void;
  /** Messages that wait for the program, for the telemetry. */
  setQueueDepth(messages: number): void;
  subscribe(channel: number): Promise<void>;
  unsubscribe(channel: number): Promise<void>;
  /** After all that `send` took: CLOSE. Rejects ERR_POOL_TIMEOUT after `timeout` ms and destroys. */
  close(options: { timeout: number }): Promise<void>;
  destroy(error?: PoolError): void;
  telemetry(): Promise<Telemetry>;
  info(): Promise<SessionInfo>;
  state(): Promise<SessionState>;
  ref(): void;
  unref(): void;
}

export interface BackendDialOptions {
  /** ms, 0 for never: what this program's node does about a peer that takes nothing; the module has its own rule. */
  writeStallTimeout?: number;
  /** User backend: the session opens when the peer has proved who it is. */
  authentication?: DialAuthentication;
  /** Gives up at once; rejects with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Why a connection was dropped before `accept` could return it; published on pool.listener.drop. `address-limit`: its
 * address has as many sessions as one may. `too-many-handshakes`: so many connections were pending that it gave way to
 * others, or waited too long for its turn. `handshake-failed`: it broke off, failed a check, or was too slow for the number
 * of those that were pending.
 */
export type DropReason =
  | 'blocked'
  | 'max-connections'
  | 'table-full'
  | 'address-limit'
  | 'too-many-handshakes'
  | 'handshake-failed'
  | 'backlog'
  /** Nothing told whether the session was accepted or another program's (kernel backend). */
  | 'undecided'
  /** The session ended before it could be handed out, and nothing but its handshake was ever heard (kernel backend). */
  | 'gone';

/** Why a connection is refused that has only just come. */
export type RefuseReason = Exclude<DropReason, 'undecided' | 'gone'>;

export interface BackendListenOptions {
  /** As given by the user: '' is every address. */
  host: string;
  port: number;
  ipv6Only: boolean;
  ipv4Only: boolean;
  /** Limits of this program's node; the module has its own. */
  handshakes?: HandshakeOptions | undefined;
  maxSessionsPerAddress?: number | undefined;
  writeStallTimeout?: number;
  /** User backend: sessions open when both sides have proved what this asks for. */
  authentication?: ListenAuthentication;
  signal?: AbortSignal;
  /** Asked as early as the backend can: a reason drops the connection. */
  admit(remote: Addr): RefuseReason | null;
  /** An established session: the receiver must `start` or `destroy` it. */
  session(session: BackendSession): void;
  dropped(remote: Addr, reason: DropReason, error?: PoolError): void;
  /** The listener ended by itself (the device is gone...). */
  failed(error: PoolError): void;
}

export interface BackendListener {
  readonly addr: Addr;
  close(): Promise<void>;
  ref(): void;
  unref(): void;
}

export interface Backend {
  readonly name: 'kernel' | 'user';
  /** Whether dials to several addresses may overlap (Happy Eyeballs), or go one after the other (kernel contract, hazard 7). */
  readonly parallelDials: boolean;
  /** One numeric address. Rejects with a PoolError whose message is the reason alone; the API adds operation and address. */
  dial(address: Addr, options: BackendDialOptions): Promise<BackendSession>;
  listen(options: BackendListenOptions): Promise<BackendListener>;
}
