/** What the bridge listens on and connects to beside TCP: unix sockets, and a socket that systemd has opened. */
import { joinHostPort } from '../../base/ip.js';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';
import { parseTcpAddress, type TcpAddress } from './tcp-address.js';

/** TCP, the path of a unix socket, or a descriptor that listens already. */
export type StreamAddress = TcpAddress | { readonly path: string } | { readonly fd: number };

/** Bytes of the longest path of a unix socket: sun_path with its NUL. */
const LONGEST_PATH = 107;
/** SD_LISTEN_FDS_START of sd_listen_fds(3). */
const FIRST_FD = 3;

/** @throws CliError USAGE */
export function parseStreamAddress(
  text: string,
  use: 'listen' | 'connect',
  env: Readonly<Record<string, string | undefined>> = process.env,
  pid: number = process.pid,
): StreamAddress {
  const path = /^unix:(.*)$/s.exec(text)?.[1];
  if (path !== undefined) return { path: checkedPath(path) };
  if (text !== 'systemd') return parseTcpAddress(text, use);
  if (use === 'connect') throw new CliError(EXIT.USAGE, "'systemd' is a socket to listen on, and not to connect to");
  return { fd: passedSocket(env, pid) };
}

/** As it is written. */
export function formatStreamAddress(address: StreamAddress): string {
  if ('path' in address) return `unix:${address.path}`;
  return 'fd' in address ? 'systemd' : joinHostPort(address.host, address.port);
}

function checkedPath(path: string): string {
  if (path === '') throw new CliError(EXIT.USAGE, "'unix:' wants a path behind it, as in unix:/run/web.sock");
  if (Buffer.byteLength(path) > LONGEST_PATH || path.includes('\0')) {
    throw new CliError(EXIT.USAGE, `the path of a unix socket has at most ${LONGEST_PATH} bytes, and no NUL`);
  }
  return path;
}

/** sd_listen_fds(3): the variables are for the process that they name, and for none that it starts. */
function passedSocket({ LISTEN_PID, LISTEN_FDS }: Readonly<Record<string, string | undefined>>, pid: number): number {
  const count = Number(LISTEN_FDS);
  if (Number(LISTEN_PID) !== pid || !(count >= 1)) {
    throw new CliError(EXIT.USAGE, 'systemd has passed no socket: start it from a service with a .socket unit');
  }
  if (count > 1) throw new CliError(EXIT.USAGE, `systemd has passed ${count} sockets, and the bridge listens on one`);
  return FIRST_FD;
}
