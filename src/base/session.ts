/** The vocabulary of sessions, which every layer speaks: states, ends, and what a session reports. Types, and the states' order. */
import type { PoolError } from './errors.js';

/** A session's state in pool.h's words. */
export type SessionStateName = 'IDLE' | 'INIT_SENT' | 'CHALLENGED' | 'ESTABLISHED' | 'REKEYING' | 'CLOSING';

/** pool.h's enum pool_session_state, by number (kernel contract, section 1). */
export const SESSION_STATES: readonly SessionStateName[] = [
  'IDLE',
  'INIT_SENT',
  'CHALLENGED',
  'ESTABLISHED',
  'REKEYING',
  'CLOSING',
];

/** One end of a TCP connection. `address` is numeric, without brackets; a scope id stays on it (`fe80::1%eth0`). */
export interface Endpoint {
  address: string;
  family: 'IPv4' | 'IPv6';
  port: number;
}

/** Why a session ended. `remote` only after an authenticated CLOSE (or ECONNRESET in state CLOSING on the device). */
export interface SessionEnd {
  by: 'local' | 'remote' | 'error';
  error?: PoolError;
}

/**
 * The owner of a session: where it delivers. Calls come from the event loop, never from within a call into the session. No
 * method may throw; a throw destroys the session.
 */
export interface SessionHandler {
  /**
   * One whole message. `data` is the receiver's to keep: the session never touches it again.
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

/** The fields of pool_telemetry. On the kernel backend they are the module's own numbers, shown as they are. */
export interface RawTelemetry {
  /** Round trip in ns, from HEARTBEAT to its ACK: 7/8 of the old average and 1/8 of the new sample. */
  rttNs: bigint;
  /** ns: the same average of how far samples are from the mean. */
  jitterNs: bigint;
  /** Sequence gaps per million packets expected. Over TCP, which loses nothing and has no gaps, 0. */
  lossRatePpm: number;
  /** Bits a second sent over the last 5 s; at most 2^32 - 1. */
  throughputBps: number;
  /** Bytes: 1400 at first, then the largest probe that came back. */
  mtuCurrent: number;
  /** Messages that wait for the program; at most 65535. */
  queueDepth: number;
  /** ns since the session was established. */
  uptimeNs: bigint;
  /** How often the keys were changed. */
  rekeyCount: number;
  configVersion: number;
}

/** Why a listener refuses a connection before it becomes a session. */
export type RefuseReason =
  | 'blocked'
  | 'max-connections'
  /** The session table has no free slot. */
  | 'table-full'
  /** Its address has as many sessions as one may have. */
  | 'address-limit'
  /** So many connections were pending that it gave way to others, or waited too long for its turn. */
  | 'too-many-handshakes'
  /** It broke off, failed a check, or was too slow for the number of those that were pending. */
  | 'handshake-failed'
  | 'backlog';

/** Why a connection was dropped before `accept` could return it; published on pool.listener.drop. */
export type DropReason =
  | RefuseReason
  /** Nothing told whether the session was accepted or another program's (kernel backend). */
  | 'undecided'
  /** The session ended before it could be handed out, and nothing but its handshake was ever heard (kernel backend). */
  | 'gone';
