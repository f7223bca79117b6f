/** `bridge tcp2pool`: accepts TCP and dials POOL. */
import type { Socket } from 'node:net';
import { dial, type DialOptions } from '../../index.js';
import { join } from './link.js';
import type { Links } from './links.js';
import { formatStreamAddress, type StreamAddress } from './stream-address.js';
import { formatTcpAddress } from './tcp-address.js';
import { listenTcp, reset } from './tcp.js';

/** A bridge that is open for connections. */
export interface Front {
  /** Where it listens. */
  readonly address: string;
  /** Takes no more connections. */
  close(): Promise<void>;
  /** Rejects when listening fails by itself. */
  readonly failed: Promise<never>;
}

/** Listens on `at`, and joins each connection with a session to `destination`. */
export async function tcpToPool(
  at: StreamAddress,
  destination: string,
  options: { links: Links; halfCloseTimeout: number; dial: DialOptions },
): Promise<Front> {
  const { links, halfCloseTimeout } = options;
  const local = 'path' in at ? formatStreamAddress(at) : undefined;
  const server = await listenTcp(at, (socket) => {
    if (links.admit()) void links.hold(local ?? peerOf(socket), () => link(socket));
    else reset(socket);
  });

  async function link(socket: Socket): Promise<void> {
    const { cut, status: passed } = links;
    try {
      const conn = await dial(destination, { ...options.dial, signal: cut });
      await join(socket, conn, { halfCloseTimeout, passed, cut });
    } finally {
      // Where it was not joined. A connection whose other side can't be reached has no clean end.
      if (!socket.destroyed) reset(socket);
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
  return port === undefined ? remoteAddress : formatTcpAddress({ host: remoteAddress, port });
}
