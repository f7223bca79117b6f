import { isIPv6 } from 'node:net';
import type { Endpoint } from './types.js';

const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** One end of a socket. A dual-stack socket names IPv4 peers as `::ffff:a.b.c.d`; they are IPv4 ends here. */
export function endpoint(address: string, port: number): Endpoint {
  const mapped = MAPPED_IPV4.exec(address)?.[1];
  if (mapped !== undefined) return { address: mapped, family: 'IPv4', port };
  return { address, family: isIPv6(address) ? 'IPv6' : 'IPv4', port };
}

/** What of a net.Socket tells its two ends. */
export interface SocketNames {
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

/** Both ends of a connected socket; null once the system has forgotten them (the peer hung up already). */
export function endpointsOf(socket: SocketNames): { local: Endpoint; remote: Endpoint } | null {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  if (localAddress === undefined || remoteAddress === undefined) return null;
  return { local: endpoint(localAddress, localPort ?? 0), remote: endpoint(remoteAddress, remotePort ?? 0) };
}
