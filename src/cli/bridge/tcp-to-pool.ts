/** `bridge tcp2pool` and `socks2pool`: accepts TCP and dials POOL, where it was told to or where the client asks for. */
import type { Socket } from 'node:net';
import { type Conn, dial, type DialOptions } from '../../index.js';
import { join } from './link.js';
import type { Links } from './open-links.js';
import { accept, type Destination, replyFailure, readRequest, replyTo } from './socks.js';
import { formatStreamAddress, type StreamAddress } from './stream-address.js';
import { joinHostPort } from '../../base/ip.js';
import { resetSocket } from '../../base/reset-socket.js';
import { listenTcp } from './tcp.js';

/** A bridge that is open for connections. */
export interface Front {
  /** Where it listens. */
  readonly address: string;
  /** Takes no more connections. */
  close(): Promise<void>;
  /** Rejects when listening fails by itself. */
  readonly failed: Promise<never>;
}

/** Gives the session for a connection. @throws (rejects) what is told of the link; the signal's reason */
export type Dialled = (socket: Socket, signal: AbortSignal) => Promise<Conn>;

/** ms that a client of SOCKS has to say what it wants. */
const REQUEST_TIMEOUT_MS = 10_000;

/** Each connection is for one destination. */
export const toDestination =
  (destination: string, options: DialOptions): Dialled =>
  (_, signal) =>
    dial(destination, { ...options, signal });

/** Each connection is for what its client asks for, in SOCKS. @param optionsFor how to dial there */
export const toRequested =
  (optionsFor: (destination: Destination) => Promise<DialOptions>): Dialled =>
  async (socket, signal) => {
    const destination = await requested(socket, signal);
    let conn: Conn;
    try {
      conn = await dial(destination, { ...(await optionsFor(destination)), signal });
    } catch (error) {
      await replyFailure(socket, replyTo(error));
      throw error;
    }
    accept(socket, conn.localAddr);
    return conn;
  };

async function requested(socket: Socket, signal: AbortSignal): Promise<Destination> {
  const late = new AbortController();
  const message = `the client did not say what it wants within ${REQUEST_TIMEOUT_MS / 1000} s`;
  const timer = setTimeout(() => late.abort(new Error(message)), REQUEST_TIMEOUT_MS);
  try {
    return await readRequest(socket, AbortSignal.any([signal, late.signal]));
  } finally {
    clearTimeout(timer);
  }
}

/** Listens on `at`, and joins each connection with the session that was dialled for it. */
export async function tcpToPool(
  at: StreamAddress,
  options: { links: Links; halfCloseTimeout: number; dialled: Dialled },
): Promise<Front> {
  const { links, halfCloseTimeout, dialled } = options;
  const local = 'path' in at ? formatStreamAddress(at) : undefined;
  const server = await listenTcp(at, (socket) => {
    if (links.admit()) void links.hold(local ?? peerOf(socket), () => link(socket));
    else resetSocket(socket);
  });

  async function link(socket: Socket): Promise<void> {
    const { cut, status: passed } = links;
    try {
      const conn = await dialled(socket, cut);
      await join(socket, conn, { halfCloseTimeout, passed, cut });
    } finally {
      // Where it was not joined. A connection whose other side can't be reached has no clean end.
      if (!socket.destroyed) resetSocket(socket);
    }
  }

  const bound = server.address();
  const shown = typeof bound === 'object' && bound !== null ? { host: bound.address, port: bound.port } : at;
  return {
    address: formatStreamAddress(shown),
    close: async () => void server.close(),
    failed: new Promise<never>((_, reject) => server.once('error', reject)),
  };
}

function peerOf({ remoteAddress = 'a connection that is gone', remotePort: port }: Socket): string {
  return port === undefined ? remoteAddress : joinHostPort(remoteAddress, port);
}

/**
 * Refuses a bad address of POOL: asks `dial` itself, which reads address and options first, and only then sees that it is cancelled.
 * @throws (rejects) PoolError ERR_POOL_INVALID_ADDRESS, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE
 */
export async function checkPoolAddress(address: string, options: DialOptions): Promise<void> {
  const cancelled = new Error('cancelled');
  try {
    await dial(address, { ...options, signal: AbortSignal.abort(cancelled) });
  } catch (error) {
    if (error !== cancelled) throw error;
  }
}
