/** What the parts of one node share. */
import type * as net from 'node:net';
import type { Clock } from './clock.js';
import { drawInitialSequence, drawTimestampOffset, type Role } from './session-draws.js';
import type { SessionTable } from './session/session-table.js';
import { TcpSession, type TcpSessionDeps } from './session/tcp-session.js';
import type { ClientHandshakeConfig, ServerHandshakeConfig } from './protocol/index.js';
import type { Crypto, Handshake, ProtocolConfig, SessionLimits } from './protocol/types.js';
import type { HandshakeLimits } from './types.js';

/** What a node is made of and tests may replace; the real thing is the default of each. */
export interface NodeOverrides {
  crypto?: Crypto;
  /** Monotonic ns. */
  clock?: Clock;
  /** Limits of the protocol: heartbeats, liveness, rekeying. */
  limits?: Partial<SessionLimits>;
  /** Limits on unproven connections. */
  handshakeLimits?: Partial<HandshakeLimits>;
  /** Opens TCP connections. */
  connect?: (options: net.TcpNetConnectOpts) => net.Socket;
  protocol?: ProtocolFactory;
}

/** The pure protocol, by its two beginnings. */
export interface ProtocolFactory {
  createClientHandshake(config: ClientHandshakeConfig): Handshake;
  createServerHandshake(config: ServerHandshakeConfig & { difficulty: number }): Handshake;
}

export interface NodeDeps {
  readonly crypto: Crypto;
  readonly clock: Clock;
  readonly limits: Partial<SessionLimits>;
  readonly connect: (options: net.TcpNetConnectOpts) => net.Socket;
  readonly protocol: ProtocolFactory;
  readonly table: SessionTable<TcpSession>;
  /** What listeners have for the limits that they are not told. */
  readonly handshakeLimits: Partial<HandshakeLimits>;
  readonly retainEnded: boolean;
}

/** The draws of a new handshake. */
export function protocolConfig({ crypto, limits }: NodeDeps, role: Role): ProtocolConfig {
  const draw = (size: number): Uint8Array => crypto.randomBytes(size);
  return {
    crypto,
    limits,
    initialSequence: drawInitialSequence(role, draw),
    timestampOffset: drawTimestampOffset(draw),
  };
}

const selfSecrets = new WeakMap<NodeDeps, Uint8Array>();

/** 32 bytes of this node: by them a dial knows that it was led back to a listener of its own. */
export function selfSecret(node: NodeDeps): Uint8Array {
  const secret = selfSecrets.get(node) ?? node.crypto.randomBytes(32);
  selfSecrets.set(node, secret);
  return secret;
}

/** Makes the session for a slot of the node's table. */
export function sessionMaker(
  { clock, retainEnded, table }: NodeDeps,
  parts: Pick<TcpSessionDeps, 'socket' | 'reader' | 'protocol' | 'local' | 'remote' | 'peer' | 'writeStallTimeout'>,
): (index: number) => TcpSession {
  return (index) =>
    new TcpSession({
      ...parts,
      index,
      clock,
      retainEnded,
      release: (session) => table.release(index, session),
    });
}

/**
 * A socket's failure is told to whoever listens at the time; in the turns between two listeners it must not end the process
 * as an unhandled 'error' event. Whoever comes next finds the socket destroyed.
 */
export function keepErrorsHandled(socket: net.Socket): void {
  socket.on('error', () => {});
}
