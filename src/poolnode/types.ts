/**
 * What a POOL node in user space offers to what stands on it: the user backend of src/pool, and src/pooldev.
 * Types only. Units: ports are numbers 0..65535, sizes are bytes, times are milliseconds unless a name says Ns.
 */
import type { LookupFunction } from 'node:net';
import type { PoolError } from '../errors.js';

/** Session states, in pool.h's words (kernel contract, section 1). */
export type SessionStateName = 'IDLE' | 'INIT_SENT' | 'CHALLENGED' | 'ESTABLISHED' | 'REKEYING' | 'CLOSING';

/** One end of a TCP connection. `address` is numeric, without brackets; a scope id stays on it (`fe80::1%eth0`). */
export interface Endpoint {
  address: string;
  family: 'IPv4' | 'IPv6';
  port: number;
}

/** Why a session ended. */
export interface SessionEnd {
  by: 'local' | 'remote' | 'error';
  error?: PoolError;
}

/** The owner of a session: where the node delivers. No method may throw; a throw destroys the session. */
export interface SessionHandler {
  /**
   * One whole message. `data` is the receiver's to keep: the node never touches it again.
   * Returns false when the receiver is full: this message was taken, but no other comes before `resume()`.
   */
  message(channel: number, data: Uint8Array): boolean;
  /** `send` returned false before, and there is room again. */
  drain(): void;
  /** The session's keys changed; `count` is how often so far. */
  rekeyed?(count: number): void;
  /** A pause of reading passed 8 s (wire protocol: what a paused session does to a module peer). */
  stalled?(ms: number): void;
  /** The last call, exactly once, after every message that arrived before the end. */
  end(end: SessionEnd): void;
}

/** What the session table reports of a session; all that POOL_IOC_SESSIONS needs. */
export interface NodeSessionInfo {
  index: number;
  id: Uint8Array;
  role: 'client' | 'server';
  local: Endpoint;
  remote: Endpoint;
  state: SessionStateName;
  bytesSent: bigint;
  bytesReceived: bigint;
  packetsSent: bigint;
  packetsReceived: bigint;
  /** Packets since the last rekey: what pool_session_info.rekey_count really counts (kernel contract, section 3). */
  packetsSinceRekey: number;
  /** Messages without a byte, from the peer; counted and not delivered. */
  emptyMessages: number;
  telemetry: NodeTelemetry;
}

/** The fields of pool_telemetry, unpacked. */
export interface NodeTelemetry {
  /** Round trip in ns. */
  rttNs: bigint;
  /** ns. */
  jitterNs: bigint;
  /** Per million packets. */
  lossRatePpm: number;
  /** Bits a second, sent over the last 5 s. */
  throughputBps: number;
  /** Bytes. */
  mtuCurrent: number;
  /** Messages that wait for the program. */
  queueDepth: number;
  /** ns. */
  uptimeNs: bigint;
  /** How often the keys were changed. */
  rekeyCount: number;
  configVersion: number;
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
  /** ms for CHALLENGE; default 10 000. */
  challengeTimeout?: number;
  /** ms for the completion after RESPONSE; default 30 000. */
  completionTimeout?: number;
  /** For a host that is a name after all; default `dns.lookup`. */
  lookup?: LookupFunction;
}

/** Why a listener dropped a connection before it became a session. */
export type DropReason =
  | 'blocked'
  | 'max-connections'
  | 'table-full'
  | 'too-many-handshakes'
  | 'handshake-failed'
  | 'backlog';

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
  /** Asked when TCP accepts, before any byte is read: a reason drops the connection. */
  admit?(remote: Endpoint): DropReason | null;
  /** A session is established: the receiver owns it, and must `start` it or `destroy` it. */
  session(session: NodeSession): void;
  /** A connection was dropped before it became a session. */
  dropped?(remote: Endpoint, reason: DropReason, error?: PoolError): void;
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
   * Graceful: what was sent, then CLOSE, then FIN; settles then, and lingers for the peer's FIN in the background for at
   * most 1 s. Rejects ERR_POOL_TIMEOUT and destroys when the peer does not take the data within `timeout` ms.
   */
  close(options?: { timeout?: number }): Promise<void>;
  /** No CLOSE, no waiting. */
  destroy(error?: PoolError): void;
  /** Its line of the session table. */
  info(): NodeSessionInfo;
  /** This side's measurements. */
  telemetry(): NodeTelemetry;
  /** What the peer's last HEARTBEAT reported, if one came. */
  peerTelemetry(): NodeTelemetry | null;
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
}

/**
 * What the node's cryptography runs on: `openssl` is the OpenSSL that is part of Node, called through koffi; `node` is
 * node:crypto; `portable` is node:crypto with a cipher in JavaScript.
 */
export type CryptoKind = 'openssl' | 'node' | 'portable';
