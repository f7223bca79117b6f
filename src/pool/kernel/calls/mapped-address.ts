/** Addresses in the 16 bytes that pool.h carries: IPv6, or IPv4 mapped into it (RFC 4291, section 2.5.5.2). */
import { ipFromBytes, ipToBytes, isLinkLocal } from '../../../base/ip.js';
import { PoolError } from '../../../base/errors.js';
import { Addr } from '../../address/addr.js';

/**
 * The 16 bytes for pool_connect_req.
 * @throws PoolError ERR_POOL_INVALID_ADDRESS for an address with a scope, or one that would need it
 */
export function toMapped({ address }: Addr): Uint8Array {
  const bytes = ipToBytes(address);
  // Kernel contract, section 2: CONNECT carries no scope id, and fe80::/10 means nothing without one.
  if (isLinkLocal(bytes) || address.includes('%')) {
    throw new PoolError(
      'ERR_POOL_INVALID_ADDRESS',
      `${address} needs a scope id, which the kernel module's CONNECT can't carry; use another address of the peer, or backend 'user'`,
    );
  }
  return bytes;
}

/** What the 16 bytes of a pool_session_info say, as an Addr. */
export function fromMapped(bytes: Uint8Array, port: number): Addr {
  return new Addr(ipFromBytes(bytes), port);
}

/** 8 or 32 hexadecimal digits in network order as a canonical address. */
export function hexToAddress(hex: string): string {
  if (hex.length === 8) return Buffer.from(hex, 'hex').join('.');
  return ipFromBytes(Buffer.from(hex, 'hex'));
}
