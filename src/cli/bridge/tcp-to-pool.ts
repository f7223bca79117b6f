/** `bridge tcp2pool`: accepts TCP and dials POOL. */
import type { Socket } from 'node:net';
import { dial, type DialOptions } from '../../index.js';
import { join } from './link.js';
import type { Links } from './links.js';
import { type TcpAddress, formatTcpAddress } from './tcp-address.js';
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

/** Listens on `at`, and joins each connection with a session to `destination`. */
export async function tcpToPool(
  at: TcpAddress,
  destination: string,
  options: { links: Links; halfCloseTimeout: number; dial: DialOptions },
): Promise<Front> {
  const { links, halfCloseTimeout } = options;
  const server = await listenTcp(at, (socket) => {
    if (links.admit()) void links.hold(peerOf(socket), () => link(socket));
    else socket.resetAndDestroy();
  });

  async function link(socket: Socket): Promise<void> {
    const { cut, status: passed } = links;
    try {
      const conn = await dial(destination, { ...options.dial, signal: cut });
      await join(socket, conn, { halfCloseTimeout, passed, cut });
    } finally {
      // Where it was not joined. A connection whose other side can't be reached has no clean end.
      if (!socket.destroyed) socket.resetAndDestroy();
    }
  }

  const { address, port } = server.address() as { address: string; port: number };
  return {
    address: formatTcpAddress({ host: address, port }),
    close: async () => void server.close(),
    failed: new Promise<never>((_, reject) => server.once('error', reject)),
  };
}

function peerOf({ remoteAddress = 'a connection that is gone', remotePort: port }: Socket): string {
  return port === undefined ? remoteAddress : formatTcpAddress({ host: remoteAddress, port });
}
