/**
 * What pool-ts publishes on node:diagnostics_channel, and nothing else does; NODE_DEBUG=pool-ts prints the same. With no
 * subscriber a publication costs a test of two flags: the payload is built by a function that isn't called then. Payloads never hold keys or data.
 */
import {
  channel,
  tracingChannel,
  type Channel as DiagnosticsChannel,
  type TracingChannel,
} from 'node:diagnostics_channel';
import type { DropReason } from '../../base/session.js';
import type { PoolError } from '../../base/errors.js';
import type { Addr } from '../address/addr.js';
import { debugEvent, debugging, debugOperation } from './debug-log.js';
import type { FlowClosed } from '../flow/flow.js';
import type { Peer } from '../identity/proven-peer.js';
import type { SessionInfo } from '../telemetry.js';

/** Context of `tracing:pool.dial`; Node adds `result` or `error`. */
export interface DialTrace {
  /** What was dialled, as text. */
  address: string;
  network: string;
}

/** Context of `tracing:pool.listen`; Node adds `result` or `error`. */
export interface ListenTrace {
  address: string;
  network: string;
}

/** Payload of `pool.conn.open`, and the part that all payloads about a Conn share. */
export interface ConnEvent {
  /** Session id, hexadecimal. */
  id: string;
  backend: 'kernel' | 'user';
  sessionIndex: number;
  role: 'client' | 'server';
  localAddr: Addr;
  remoteAddr: Addr;
}

/** Payload of `pool.peer.refused`. There is no session to name: it never opened. */
export interface PeerRefused {
  /** Which end this is. */
  role: ConnEvent['role'];
  /** Of the listener; null for what dials, and while a listener is being opened. */
  localAddr: Addr | null;
  remoteAddr: Addr;
  /** ERR_POOL_AUTH_FAILED. */
  error: PoolError;
}

/** What each channel carries. */
export interface DiagnosticsPayloads {
  'pool.conn.open': ConnEvent;
  /**
   * `info` is what `conn.info()` would have said at that moment; null on the kernel backend, where asking takes a call and
   * the slot may be another session's by then.
   */
  'pool.conn.close': ConnEvent & { end: FlowClosed; info: SessionInfo | null };
  'pool.conn.error': ConnEvent & { error: PoolError };
  /** A channel was opened on this side; the wire has no word for it. */
  'pool.channel.open': ConnEvent & { channel: number };
  'pool.channel.close': ConnEvent & { channel: number; end: FlowClosed };
  /** The peer proved who it is, and was admitted; follows its `pool.conn.open`. */
  'pool.peer.authenticated': ConnEvent & { peer: NonNullable<Peer> };
  /** A peer that was asked who it is and was not let in, or that did not let this side in; `error` says why, as far as it is known. */
  'pool.peer.refused': PeerRefused;
  'pool.session.rekey': ConnEvent & { count: number };
  /** Reading stood still for `ms`, because the program doesn't read. */
  'pool.session.stall': ConnEvent & { ms: number };
  'pool.listener.drop': { localAddr: Addr | null; remoteAddr: Addr; reason: DropReason; error?: PoolError };
  'pool.backend.select': { backend: 'kernel' | 'user'; device: string; reason: string };
}

const channels: { [Name in keyof DiagnosticsPayloads]: DiagnosticsChannel } = {
  'pool.conn.open': channel('pool.conn.open'),
  'pool.conn.close': channel('pool.conn.close'),
  'pool.conn.error': channel('pool.conn.error'),
  'pool.channel.open': channel('pool.channel.open'),
  'pool.channel.close': channel('pool.channel.close'),
  'pool.peer.authenticated': channel('pool.peer.authenticated'),
  'pool.peer.refused': channel('pool.peer.refused'),
  'pool.session.rekey': channel('pool.session.rekey'),
  'pool.session.stall': channel('pool.session.stall'),
  'pool.listener.drop': channel('pool.listener.drop'),
  'pool.backend.select': channel('pool.backend.select'),
};

/** Publishes a refusal, where `error` is one of a peer that was asked who it is. */
export function publishRefusal(error: unknown, refused: () => Omit<PeerRefused, 'error'>): void {
  const { code } = (error ?? {}) as Partial<PoolError>;
  if (code !== 'ERR_POOL_AUTH_FAILED') return;
  publish('pool.peer.refused', () => ({ ...refused(), error: error as PoolError }));
}

/** Publishes on a channel. A subscriber that throws becomes an uncaught exception of its own, as Node has it. */
export function publish<Name extends keyof DiagnosticsPayloads>(
  name: Name,
  payload: () => DiagnosticsPayloads[Name],
): void {
  const { hasSubscribers } = channels[name];
  if (!hasSubscribers && !debugging()) return;
  const told = payload();
  if (hasSubscribers) channels[name].publish(told);
  if (debugging()) debugEvent(name, told);
}

const tracing = { dial: tracingChannel('pool.dial'), listen: tracingChannel('pool.listen') };

/** Runs an operation, and its start, end and error on `tracing:pool.<name>` when anybody listens. */
export function trace<T>(
  name: keyof typeof tracing,
  context: () => DialTrace | ListenTrace,
  run: () => Promise<T>,
): Promise<T> {
  const pending = traced(name, context, run);
  return debugging() ? debugOperation(name, context().address, pending) : pending;
}

function traced<T>(
  name: keyof typeof tracing,
  context: () => DialTrace | ListenTrace,
  run: () => Promise<T>,
): Promise<T> {
  const tracer: TracingChannel = tracing[name];
  // TracingChannel.hasSubscribers came with Node 20.13.
  const parts = [tracer.start, tracer.end, tracer.asyncStart, tracer.asyncEnd, tracer.error];
  if (!parts.some((part) => part.hasSubscribers)) return run();
  return tracer.tracePromise(run, context());
}
