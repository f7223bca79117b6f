/** One end of a session: a numeric address and a port. */
import { isIPv4, isIPv6 } from 'node:net';
import { inspect, type InspectOptions } from 'node:util';
import { canonicalIpv6, joinHostPort, unmapIpv4 } from '../../base/ip.js';
import { keepName } from '../../base/own-properties.js';
import { PoolError } from '../../base/errors.js';
import { fromCallSite } from '../call-site.js';
import { DEFAULT_PORT } from '../constants.js';
import { quote } from '../../base/arguments.js';
import { splitHostPort } from './host-port.js';

const BRAND = Symbol.for('pool-ts.Addr');

/**
 * The address of one end of a session, as Go's `net.Addr`. Immutable. An IPv4-mapped IPv6 address is shown as the IPv4
 * address that it maps, on both backends, and IPv6 in its canonical form (RFC 5952); a scope id stays on it.
 */
export class Addr {
  readonly network = 'pool' as const;
  /** Numeric, without brackets: `10.0.0.1`, `2001:db8::1`, `fe80::1%eth0`. */
  readonly address: string;
  readonly family: 'IPv4' | 'IPv6';
  /** 0..65535; 0 where the port isn't known. */
  readonly port: number;

  /**
   * @param address numeric, without brackets
   * @param port 0..65535
   * @throws PoolError ERR_POOL_INVALID_ADDRESS when `address` isn't numeric, ERR_OUT_OF_RANGE for the port
   */
  constructor(address: string, port: number) {
    if (!Number.isInteger(port) || port < 0 || port > 65535) {
      throw new PoolError('ERR_OUT_OF_RANGE', `a port is 0 to 65535, not ${inspect(port)}`);
    }
    this.address = canonical(address);
    this.family = isIPv4(this.address) ? 'IPv4' : 'IPv6';
    this.port = port;
    Object.freeze(this);
  }

  static {
    keepName(this, 'Addr');
    Object.defineProperty(this.prototype, BRAND, { value: true });
  }

  /**
   * Reads `10.0.0.1:9253`, `[::1]:9253`, `10.0.0.1`, `[::1]` or `::1`; a missing port is 9253. Names aren't looked up
   * here: `resolve` does that.
   * @throws PoolError ERR_INVALID_ARG_TYPE, ERR_POOL_INVALID_ADDRESS, ERR_OUT_OF_RANGE
   */
  static parse(text: string): Addr {
    return fromCallSite(Addr, 'parse', () => {
      const { host, port = DEFAULT_PORT } = splitHostPort(text);
      if (isIPv4(host) || isIPv6(host)) return new Addr(host, port);
      const reason = host === '' ? 'has no host' : 'names a host: an Addr is numeric, resolve() looks names up';
      throw new PoolError('ERR_POOL_INVALID_ADDRESS', `the address ${quote(text)} ${reason}`);
    });
  }

  /** Whether `value` is an Addr, also one of the other copy (ESM or CommonJS) of the package. */
  static isAddr(value: unknown): value is Addr {
    return typeof value === 'object' && value !== null && BRAND in value;
  }

  /** `10.0.0.1:9253` or `[::1]:9253`: what `parse` and `dial` read. */
  toString(): string {
    return joinHostPort(this.address, this.port);
  }

  /** For JSON.stringify. `dial` takes what JSON.parse makes of it. */
  toJSON(): { network: 'pool'; host: string; port: number; family: 'IPv4' | 'IPv6' } {
    const { network, address: host, port, family } = this;
    return { network, host, port, family };
  }

  [inspect.custom](_depth: number, options: InspectOptions & { stylize(text: string, style: string): string }): string {
    return `Addr { ${options.stylize(this.toString(), 'string')} }`;
  }
}

/** A scope id is written behind the address and belongs to this machine only (RFC 4007, section 11). */
function canonical(address: string): string {
  const percent = address.indexOf('%');
  const bare = percent < 0 ? address : address.slice(0, percent);
  if (percent < 0 && isIPv4(bare)) return bare;
  if (!isIPv6(address)) {
    throw new PoolError('ERR_POOL_INVALID_ADDRESS', `${quote(address)} is neither an IPv4 nor an IPv6 address`);
  }
  const printed = canonicalIpv6(bare);
  const ipv4 = unmapIpv4(printed);
  return ipv4 === printed ? printed + address.slice(bare.length) : ipv4;
}
