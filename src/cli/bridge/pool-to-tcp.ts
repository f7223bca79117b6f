/** `bridge pool2tcp`: accepts POOL and connects TCP. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type Conn, type DiagnosticsPayloads, listen, type ListenOptions } from '../../index.js';
import { join } from './link.js';
import type { Links } from './open-links.js';
import type { Front } from './tcp-to-pool.js';
import type { StreamAddress } from './stream-address.js';
import { connectTcp } from './tcp.js';

/** Listens on `at`, and joins each session with a connection to `destination`. */
export async function poolToTcp(
  at: string,
  destination: StreamAddress,
  options: { links: Links; halfCloseTimeout: number; timeout: number; listen: ListenOptions },
): Promise<Front> {
  const { links, halfCloseTimeout, timeout } = options;
  const listener = await listen(at, options.listen);
  // A session over the limit is dropped before its handshake, and heard of here only.
  const dropped = (message: unknown): void => {
    const { reason } = message as DiagnosticsPayloads['pool.listener.drop'];
    if (reason === 'max-connections') links.status.refused += 1;
  };
  subscribe('pool.listener.drop', dropped);

  async function link(conn: Conn): Promise<void> {
    const { cut, status: passed } = links;
    const socket = await connectTcp(destination, timeout, cut).catch((error: unknown) => {
      conn.destroy(error as Error); // without CLOSE: the peer is not to take this for a clean end
      throw error;
    });
    await join(socket, conn, { halfCloseTimeout, passed, cut });
  }

  const serving = (async () => {
    for await (const conn of listener) void links.hold(conn.remoteAddr.toString(), () => link(conn));
  })();
  return {
    address: listener.addr.toString(),
    close: async () => {
      unsubscribe('pool.listener.drop', dropped);
      await listener.close();
    },
    failed: new Promise<never>((_, reject) => void serving.catch(reject)),
  };
}
