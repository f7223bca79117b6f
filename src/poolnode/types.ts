/**
 * What a POOL node in user space offers to what stands on it: the user backend of src/pool, and src/pooldev.
 * Types only. Units: ports are numbers 0..65535, sizes are bytes, times are milliseconds unless a name says Ns.
 */
import type { LookupFunction } from 'node:net';
import type { Endpoint, RawTelemetry, RefuseReason, SessionHandler, SessionStateName } from '../base/session.js';
import type { PublicKey } from '../base/public-key.js';
import type { PoolError } from '../base/errors.js';
import type { SessionCounters } from './protocol/types.js';
import type { Identity, PreSharedKey } from './protocol/authentication/types.js';

export type { Endpoint, RefuseReason, SessionEnd, SessionHandler, SessionStateName } from '../base/session.js';

/** What the session table reports of a session; all that POOL_IOC_SESSIONS needs. */
export interface NodeSessionInfo extends SessionCounters {
  index: number;
  id: Uint8Array;
  role: 'client' | 'server';
  local: Endpoint;
  remote: Endpoint;
  state: SessionStateName;
  telemetry: RawTelemetry;
}

/** What is known of the peer of a session: its proven key, that it has the pre-shared key, or nothing. */
export type NodePeer = { method: 'key'; key: PublicKey } | { method: 'psk' } | null;

/** What a decision about a proven key may want to know. */
export interface Decision {
  /** Aborts where the answer is not waited for any more. Made by the first look at it: most decisions need none. */
  readonly signal: AbortSignal;
}

/**
 * Asked about a proven key: the key as the own list has it where it is admitted, null where it is not. A throw is a no. An
 * answer that needs no waiting spares the exchange a turn.
 */
export type AdmitPeer = (publicKey: Uint8Array, decision: Decision) => PublicKey | null | Promise<PublicKey | null>;

/** How a dial proves this side, and whom it takes for the peer. */
export interface DialAuthentication {
  /** `identity` null: this side has nothing to show, and is refused where it is asked to. */
  credentials: { mode: 'keys'; identity: Identity | null } | { mode: 'psk'; key: PreSharedKey };
  admit: AdmitPeer;
}

/** How a listener proves itself, and whom it lets in. */
export interface ListenAuthentication {
  /** `demand`: a dialler must prove its key. */
  credentials: { mode: 'keys'; identity: Identity; demand: boolean } | { mode: 'psk'; keys: readonly PreSharedKey[] };
  admit: AdmitPeer;
}

/** Options of {@link PoolNode.dial}. */
export interface NodeDialOptions {
  /** Numeric address; names are resolved above this layer. */
  host: string;
  /** 1..65535. */
  port: number;
  /** Gives up at once: no session stays behind. Rejects with the signal's reason. */
  signal?: AbortSignal;
  /** ms for the TCP connection; default 10 000. */
  connectTimeout?: number;
  /** ms for CHALLENGE; default 30 000, for the peer may have many to answer before. */
  challengeTimeout?: number;
  /** ms for the completion after RESPONSE, proofs and decision included, which have 10 000 at most; default 30 000. */
  completionTimeout?: number;
  /**
   * ms after which a session ends with ERR_POOL_TIMEOUT when nothing is read on this side and the socket took no byte of
   * what waits to be sent; 0 for never. Default 60 000.
   */
  writeStallTimeout?: number;
  /**
   * Called when CHALLENGE is there; RESPONSE, on which the peer opens a session, leaves when it has settled. Of several dials
   * for one session this lets one be answered with one. Never rejects. By default RESPONSE leaves at once.
   */
  beforeResponse?: () => Promise<void>;
  /** For a host that is a name after all; default `dns.lookup`. */
  lookup?: LookupFunction;
  /** The session opens when the listener has proved who it is. */
  authentication?: DialAuthentication | undefined;
}

/**
 * Limits of a listener on connections that have proved nothing yet. An IPv6 network (/64) counts as one address. Whole
 * numbers, times in ms.
 */
export interface HandshakeOptions {
  /**
   * Connections without a session: those that are read, and those that wait unread in their sockets. Above it the oldest
   * without a complete INIT gives way, of the address that has the most. Default 1024.
   */
  pending?: number | undefined;
  /** Connections that are read at the same time; others wait for their turn. Default 256. */
  started?: number | undefined;
  /** Of these, those of one address, and at most a quarter as many as there are free places. Default 16. */
  startedPerAddress?: number | undefined;
  /** How long a connection waits for its turn. Default 20 000; a dial waits 30 000 for the answer. */
  queueTimeout?: number | undefined;
  /** From the first read to a complete INIT, as long as half of the places are free. Default 10 000. */
  initTimeout?: number | undefined;
  /** What is left of `initTimeout` when no place is free, of all or of the address. Default 1000. */
  minInitTimeout?: number | undefined;
  /** From the first read to the end of the handshake, as long as half of the places are free. Default 10 000. */
  timeout?: number | undefined;
  /** What is left of `timeout` when no place is free. Default 3000. */
  minTimeout?: number | undefined;
  /** Handshakes between INIT and the end, above which addresses are rationed and puzzles are harder. Default 64. */
  busyAbove?: number | undefined;
  /** Handshakes a second that a rationed address may start. Default 20. */
  rate?: number | undefined;
  /** How many of them at once. Default 5. */
  burst?: number | undefined;
  /** Leading zero bits asked of a puzzle. Default 8. */
  difficulty?: number | undefined;
  /** The same above `busyAbove`. Default 16. */
  busyDifficulty?: number | undefined;
}

/** {@link HandshakeOptions}, complete. */
export type HandshakeLimits = { readonly [K in keyof HandshakeOptions]-?: number };

/** Options of {@link PoolNode.listen}. */
export interface NodeListenOptions {
  /** As node:net has it: '' and '::' are dual-stack where possible. Default ''. */
  host?: string;
  /** 0 for a free one. */
  port: number;
  /** `::` without IPv4. Default false. */
  ipv6Only?: boolean;
  /** TCP's own accept queue; default 511 as Node's. */
  backlog?: number;
  /** Limits on connections that have proved nothing yet; the defaults where none are given. */
  handshakes?: HandshakeOptions;
  /** Accepted sessions that one address, or one IPv6 network (/64), may have in the table. Default three quarters of it. */
  maxSessionsPerAddress?: number;
  /** Sessions open when both sides have proved what this asks for. */
  authentication?: ListenAuthentication | undefined;
  /**
   * ms after which a session ends with ERR_POOL_TIMEOUT when nothing is read on this side and the socket took no byte of
   * what waits to be sent; 0 for never. Default 60 000.
   */
  writeStallTimeout?: number;
  /** Asked when TCP accepts, before any byte is read: a reason drops the connection. */
  admit?(remote: Endpoint): RefuseReason | null;
  /**
   * A session is established: the receiver owns it, and must `start` it or `destroy` it. One that throws or rejects has it
   * destroyed.
   */
  session(session: NodeSession): void;
  /** A connection was dropped before it became a session; `error` says more where there is more to say. */
  dropped?(remote: Endpoint, reason: RefuseReason, error?: PoolError): void;
}

/** An open port of a node. */
export interface NodeListener {
  readonly local: Endpoint;
  /** Stops accepting; pending handshakes are dropped, sessions stay. Settles when the port is free. */
  close(): Promise<void>;
  /** Keeps the process alive: so from the start. */
  ref(): void;
  /** Lets the process end. */
  unref(): void;
}

/** A session of the node: established when it is handed out. */
export interface NodeSession {
  /** Slot in the node's table: the lowest that was free. */
  readonly index: number;
  /** 16 bytes. */
  readonly id: Uint8Array;
  readonly role: 'client' | 'server';
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** What the peer proved of itself; null where nothing was asked. */
  readonly peer: NodePeer;
  readonly state: SessionStateName;
  /** Bytes; 65535. */
  readonly maxMessageSize: number;
  /** Begins delivery; once. Until then the socket is not read, and the timers that judge the peer stand still. */
  start(handler: SessionHandler): void;
  /**
   * Sends one message, 1..maxMessageSize bytes: encrypted before this returns, so `data` is free again at once.
   * `done` is called when its last byte was handed to the socket, or with the error that ended the session.
   * Returns false when the socket is full: send no more until `drain()` (nothing is lost if you do).
   */
  send(channel: number, data: Uint8Array, done?: (error?: PoolError) => void): boolean;
  /** Messages that are sent while this is the same object are done in one turn, one right after the other. */
  readonly flush: object;
  /** Asks for no further message; may be called from within `message`. */
  pause(): void;
  /** Asks for messages again. */
  resume(): void;
  /** Messages that wait above for the program: shown as pool_telemetry.queue_depth. */
  setQueueDepth(messages: number): void;
  /** POOL_IOC_CHANNEL: the bitmap is bookkeeping, delivery does not depend on it. */
  subscribe(channel: number): void;
  /** Clears the channel's bit. */
  unsubscribe(channel: number): void;
  /** 32 bytes, bit c of byte c/8. */
  channels(): Uint8Array;
  /**
   * Graceful: what was sent, then CLOSE, then FIN; settles when this machine's system has them, and lingers for the peer's FIN
   * in the background: for 6 s, and for up to 60 s while the peer still sends. Rejects ERR_POOL_TIMEOUT and destroys when the
   * peer does not take the data within `timeout` ms.
   */
  close(options?: { timeout?: number }): Promise<void>;
  /** No CLOSE, no waiting. */
  destroy(error?: PoolError): void;
  /** Its line of the session table. */
  info(): NodeSessionInfo;
  /** This side's measurements. */
  telemetry(): RawTelemetry;
  /** What the peer's last HEARTBEAT reported, if one came. */
  peerTelemetry(): RawTelemetry | null;
  /** Keeps the process alive: so from the start. */
  ref(): void;
  /** Lets the process end. */
  unref(): void;
  /** With `retainEnded`: gives the slot of an ended session back. Without it the end of the session does that. */
  release(): void;
}

/** Options of {@link createPoolNode}. */
export interface PoolNodeOptions {
  /** Size of the session table; default 1024. The device serves 64. */
  maxSessions?: number;
  /** Keep ended sessions in the table, in state CLOSING, until `release()`: what a device shows its programs. */
  retainEnded?: boolean;
  /**
   * Asked when no slot is free: null, or what releases a session that has ended. A session that comes then gets its slot;
   * with null it is refused.
   */
  reclaim?: () => (() => void) | null;
}

/** A whole POOL node: a session table, dials and listeners. */
export interface PoolNode {
  readonly maxSessions: number;
  /** Rejects ERR_POOL_SESSION_FULL, ERR_POOL_AUTH_FAILED, ERR_POOL_PROTOCOL, ERR_POOL_TIMEOUT, or an errno name. */
  dial(options: NodeDialOptions): Promise<NodeSession>;
  /** Opens a port. Rejects with an errno name: EADDRINUSE, EACCES, EADDRNOTAVAIL... */
  listen(options: NodeListenOptions): Promise<NodeListener>;
  /** Slots in use, in index order. */
  sessions(): NodeSession[];
  /** What is in a slot. */
  session(index: number): NodeSession | undefined;
  /**
   * Gives back a message that one of its sessions delivered, once nobody reads it any more: messages to come may have its
   * memory. A message that is not given back is its owner's for ever.
   */
  giveBack(message: Uint8Array): void;
}

/**
 * What the node's cryptography runs on: `openssl` is the OpenSSL that is part of Node, called through koffi; `node` is
 * node:crypto; `portable` is node:crypto with a cipher in JavaScript.
 */
export type CryptoKind = 'openssl' | 'node' | 'portable';
