/** Addresses in the 16 bytes that pool.h carries: IPv6, or IPv4 mapped into it (RFC 4291, section 2.5.5.2). */
import { PoolError } from '../../errors.js';
import { Addr } from '../addr.js';

const MAPPED_PREFIX = '00000000000000000000ffff';

/**
 * The 16 bytes for pool_connect_req.
 * @throws PoolError ERR_POOL_INVALID_ADDRESS for an address with a scope, or one that would need it
 */
export function toMapped({ address, family }: Addr): Uint8Array {
  if (family === 'IPv4')
    return Buffer.from(MAPPED_PREFIX + Buffer.from(address.split('.').map(Number)).toString('hex'), 'hex');
  const bytes = parseIpv6(address.split('%', 1)[0]!);
  // Kernel contract, section 2: CONNECT carries no scope id, and fe80::/10 means nothing without one.
  const linkLocal = bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80;
  if (linkLocal || address.includes('%')) {
    throw new PoolError(
      'ERR_POOL_INVALID_ADDRESS',
      `${address} needs a scope id, which the kernel module's CONNECT can't carry; use another address of the peer, or backend 'user'`,
    );
  }
  return bytes;
}

/** What the 16 bytes of a pool_session_info say, as an Addr. */
export function fromMapped(bytes: Uint8Array, port: number): Addr {
  return new Addr(hexToAddress(Buffer.from(bytes).toString('hex')), port);
}

/** 8 or 32 hexadecimal digits in network order as a canonical address. */
export function hexToAddress(hex: string): string {
  if (hex.length === 8) return Buffer.from(hex, 'hex').join('.');
  return new Addr(hex.match(/.{4}/g)!.join(':'), 0).address;
}

/** Splits at `::`; a dotted tail counts as two groups (RFC 4291, section 2.2). */
function parseIpv6(address: string): Uint8Array {
  const groups = (text: string): number[] =>
    text === ''
      ? []
      : text.split(':').flatMap((group) => {
          if (!group.includes('.')) return [parseInt(group, 16)];
          const [a, b, c, d] = group.split('.').map(Number) as [number, number, number, number];
          return [a * 256 + b, c * 256 + d];
        });
  const [head = '', tail] = address.split('::');
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const words = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
  return Uint8Array.from(words.flatMap((word) => [word >> 8, word & 0xff]));
}
