/** The grammar of addresses: which text is a host and which a port. No I/O. */
import { isIP, isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';
import { checkInteger, checkString, quote, wrongType } from '../../base/arguments.js';
import { PoolError } from '../../base/errors.js';

/** A host that is '' (every address, or loopback), `*`, numeric, or a name in ASCII; the port where one was given. */
export interface HostPort {
  host: string;
  port?: number;
}

/**
 * Reads `host:port`, `host`, `:port`, `[v6]:port`, `[v6]`, `v6` and ''.
 *
 * An IPv6 address without brackets is a host as long as its end can't be taken for a port: `::1` and `fe80::1%eth0` are,
 * `2001:db8::1:9253` is refused, because it may mean `[2001:db8::1]:9253` as well as `[2001:db8::1:9253]:9253`.
 * @throws PoolError ERR_INVALID_ARG_TYPE, ERR_POOL_INVALID_ADDRESS, ERR_OUT_OF_RANGE
 */
export function splitHostPort(text: unknown): HostPort {
  if (typeof text !== 'string') throw wrongType('an address', 'a string or { host, port }', text);
  const bad = (reason: string) => invalid(text, reason);
  if (/[\s\0]/.test(text)) throw bad('contains white space or NUL');
  if (text.startsWith('[')) {
    const end = text.indexOf(']');
    if (end < 0) throw bad("lacks the ']' that ends its IPv6 address");
    const host = text.slice(1, end);
    if (!isIPv6(host)) throw bad('has something else than an IPv6 address in its brackets');
    const rest = text.slice(end + 1);
    if (rest === '') return { host };
    if (!rest.startsWith(':')) throw bad("has something else than ':' and a port behind its brackets");
    return { host, port: parsePort(rest.slice(1), text) };
  }
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(text)?.[0];
  if (scheme !== undefined) throw bad(`begins as a URL does: an address is host:port, without ${scheme}`);
  const colon = text.lastIndexOf(':');
  if (colon < 0) return { host: checkHost(text, text) };
  const [before, after] = [text.slice(0, colon), text.slice(colon + 1)];
  if (isIPv6(text)) {
    if (!(isIPv6(before) && /^\d{1,5}$/.test(after))) return { host: text };
    throw bad(`is ambiguous: write [${before}]:${after} for port ${after}, or [${text}] for the whole as the host`);
  }
  if (isIPv6(before)) throw bad(`has a port behind an IPv6 address without brackets: write [${before}]:${after}`);
  if (before.includes(':')) throw bad("has more than one ':'; an IPv6 address goes in brackets, as in [::1]:9253");
  return { host: checkHost(before, text), port: parsePort(after, text) };
}

/**
 * Reads the host of a `{ host, port }`: as in text, IPv6 with or without brackets, and no port in it.
 * @throws PoolError ERR_INVALID_ARG_TYPE, ERR_POOL_INVALID_ADDRESS
 */
export function readHost(input: unknown): string {
  const host = checkString('host', input);
  if (isIPv6(host)) return host;
  const bracketed = /^\[(.*)\]$/.exec(host)?.[1];
  if (bracketed !== undefined && isIPv6(bracketed)) return bracketed;
  if (/[\s\0]/.test(host)) throw invalid(host, 'contains white space or NUL');
  if (host.includes(':')) throw invalid(host, 'is no host: a port goes into the field port');
  return checkHost(host, host);
}

/**
 * A port as a number, or as decimal digits: what URL.port and the environment give.
 * @throws PoolError ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE
 */
export function readPort(input: unknown): number {
  const port = typeof input === 'string' && /^\d+$/.test(input) ? Number(input) : input;
  if (typeof port !== 'number') throw wrongType('port', 'a number, or its digits', port);
  return checkInteger('port', port, 0, 65535);
}

function parsePort(text: string, whole: string): number {
  if (text === '') throw invalid(whole, "ends in ':' without a port");
  if (!/^\d+$/.test(text)) throw invalid(whole, `has the port ${quote(text)}, which isn't a decimal number`);
  const port = Number(text);
  if (port > 65535) throw new PoolError('ERR_OUT_OF_RANGE', `the address ${quote(whole)} has a port above 65535`);
  return port;
}

/** The host in ASCII, or an error: what the C library would read in its own way must not get as far as that. */
function checkHost(host: string, whole: string): string {
  if (host === '' || host === '*' || isIPv4(host)) return host;
  const ascii = /^[\0-\x7f]*$/.test(host) ? host : domainToASCII(host);
  if (isIP(ascii) !== 0) throw invalid(whole, 'writes a numeric address in other than ASCII digits');
  const labels = (ascii.endsWith('.') ? ascii.slice(0, -1) : ascii).split('.');
  // inet_aton reads 0x7f.1, 010.0.0.1 and 2130706433 as addresses of its own; RFC 6943, section 3.1.1 tells what follows.
  if (/^(\d+|0x[\da-f]*)$/i.test(labels.at(-1) ?? '')) {
    throw invalid(whole, 'is no IPv4 address: that has four decimal numbers up to 255, without leading zeros');
  }
  if (ascii.length > 254 || !labels.every((label) => /^(?!-)[\w-]{1,63}(?<!-)$/.test(label))) {
    throw invalid(whole, 'has no valid host name (RFC 1123: labels of 1 to 63 letters, digits and hyphens)');
  }
  return ascii;
}

function invalid(text: string, reason: string): PoolError {
  return new PoolError('ERR_POOL_INVALID_ADDRESS', `the address ${quote(text)} ${reason}`);
}
