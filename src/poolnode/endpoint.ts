import { isIPv6 } from 'node:net';
import type { Endpoint } from '../base/session.js';
import { unmapIpv4 } from '../base/ip.js';

/** One end of a socket. A dual-stack socket names IPv4 peers as `::ffff:a.b.c.d`; they are IPv4 ends here. */
export function endpoint(address: string, port: number): Endpoint {
  const plain = unmapIpv4(address);
  return { address: plain, family: isIPv6(plain) ? 'IPv6' : 'IPv4', port };
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
