/** IPv4-mapped IPv6 addresses (RFC 4291, section 2.5.5.2): the form in which the device takes every IPv4 address. */
import { isIPv4 } from 'node:net';
import { checkString } from '../../base/arguments.js';
import type { Bytes } from '../../base/bytes.js';
import { ipToBytes } from '../../base/ip.js';
import { PoolError } from '../../base/errors.js';

export { isV4Mapped, mappedToIpv4 } from '../../base/ip.js';

/** `10.0.0.1` as 16 bytes. Throws ERR_INVALID_ARG_TYPE for no string, ERR_POOL_INVALID_ADDRESS for no IPv4 address. */
export function ipv4ToMapped(address: string): Bytes {
  if (isIPv4(checkString('an IPv4 address', address))) return ipToBytes(address);
  throw new PoolError(
    'ERR_POOL_INVALID_ADDRESS',
    `${JSON.stringify(address)} is no IPv4 address: write it as 10.0.0.1`,
  );
}
