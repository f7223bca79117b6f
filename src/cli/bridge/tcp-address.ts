/** Addresses of TCP: `host:port`, with IPv6 in brackets. */
import { isIPv6 } from 'node:net';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';

/** Where TCP listens or connects; an empty host is every address of the machine, or loopback. */
export interface TcpAddress {
  readonly host: string;
  readonly port: number;
}

/** @throws CliError USAGE */
export function parseTcpAddress(text: string, use: 'listen' | 'connect'): TcpAddress {
  const wrong = (reason: string) => new CliError(EXIT.USAGE, `the TCP address '${text}' ${reason}`);
  const parts = /^(?:\[(?<bracketed>[^\]]*)\]|(?<plain>[^:\s[\]]*)):(?<port>\d{1,5})$/.exec(text)?.groups;
  if (parts === undefined) throw wrong('is not host:port, with an IPv6 address in brackets, as in [::1]:8080');
  const { bracketed, plain = '' } = parts;
  if (bracketed !== undefined && !isIPv6(bracketed)) throw wrong('has no IPv6 address in its brackets');
  const port = Number(parts['port']);
  if (port > 65535) throw wrong('has a port above 65535');
  if (port === 0 && use === 'connect') throw wrong('has port 0, which is for listening');
  return { host: bracketed ?? plain, port };
}
