/** IPv4-mapped IPv6 addresses (RFC 4291, section 2.5.5.2): the form in which the device takes every IPv4 address. */
import { PoolError } from '../errors.js';

const PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** `10.0.0.1` as 16 bytes. Throws ERR_INVALID_ARG_TYPE for no string, ERR_POOL_INVALID_ADDRESS for no IPv4 address. */
export function ipv4ToMapped(address: string): Uint8Array {
  if (typeof address !== 'string') {
    throw new PoolError('ERR_INVALID_ARG_TYPE', `an IPv4 address is a string, got ${typeof address}`);
  }
  const octets = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address)?.slice(1) ?? [];
  const valid = octets.length === 4 && octets.every((octet) => Number(octet) <= 255 && String(Number(octet)) === octet);
  if (!valid)
    throw new PoolError(
      'ERR_POOL_INVALID_ADDRESS',
      `${JSON.stringify(address)} is no IPv4 address: write it as 10.0.0.1`,
    );
  return Uint8Array.from([...PREFIX, ...octets.map(Number)]);
}

/** Whether 16 bytes are an IPv4-mapped address. False for any other length. */
export function isV4Mapped(address: Uint8Array): boolean {
  return address.length === 16 && PREFIX.every((byte, at) => address[at] === byte);
}

/** The IPv4 address of 16 mapped bytes, as text; null when they are no mapped address. */
export function mappedToIpv4(address: Uint8Array): string | null {
  return isV4Mapped(address) ? address.subarray(12).join('.') : null;
}
