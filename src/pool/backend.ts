/**
 * The one seam between the API and what carries it. A backend dials, listens, and hands out sessions that send, deliver
 * messages and end; queues, deadlines, cancellation and streams are the API's, once, for both backends.
 */
import type { PoolError } from '../base/errors.js';
import type { DropReason, RefuseReason, SessionHandler, SessionStateName } from '../base/session.js';
import type { DialAuthentication, HandshakeOptions, ListenAuthentication, NodePeer } from '../poolnode/types.js';
import type { Addr } from './address/addr.js';
import type { SessionInfo, Telemetry } from './telemetry.js';

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
  start(handler: SessionHandler): void;
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
  /** The same without a wait, also when the session has ended; absent where asking takes a call to the device. */
  lastInfo?(): SessionInfo;
  state(): Promise<SessionStateName>;
  ref(): void;
  unref(): void;
}

export interface BackendDialOptions {
  /** ms, 0 for never: what this program's node does about a peer that takes nothing; the module has its own rule. */
  writeStallTimeout?: number;
  /** User backend: the session opens when the peer has proved who it is. */
  authentication?: DialAuthentication;
  /** Where a backend dials several addresses at once: the peer opens a session only after this has settled. Never rejects. */
  beforeResponse?: () => Promise<void>;
  /** Gives up at once; rejects with the signal's reason. */
  signal?: AbortSignal;
}

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
