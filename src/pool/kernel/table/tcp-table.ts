/**
 * The module's TCP sockets as /proc/net/tcp and tcp6 show them: they tell accepted sessions from dialled ones, and who
 * the peer of an accepted one really is (kernel contract, section 3).
 */
import { hexToAddress } from '../calls/mapped-address.js';
import type { ProcFiles } from '../../../poolioc/closing/kernel-thread.js';

/** One end of a connection. `address` is canonical; an IPv4-mapped address is shown as IPv4. */
export interface TcpEnd {
  address: string;
  port: number;
}

export interface TcpConnection {
  local: TcpEnd;
  remote: TcpEnd;
  /** The socket's inode; '' where it isn't shown. Ports come again, inodes don't. */
  inode: string;
  /** It waits in its listener's queue: nobody has accepted it, and it has no inode. */
  queued: boolean;
}

/** What tells a connection from all others, also from a later one between the same ports. */
export function connectionKey({ local, remote, inode }: TcpConnection): string {
  return `${local.port} ${remote.address} ${remote.port} ${inode}`;
}

export interface TcpTable {
  /** Ports with a listening socket. */
  listening: ReadonlySet<number>;
  /** Connections in state ESTABLISHED. */
  established: readonly TcpConnection[];
}

/** States of include/net/tcp_states.h. */
const ESTABLISHED = '01';
const LISTEN = '0A';

/** Reads both families. Empty where /proc/net isn't there. */
export function readTcpTable(proc: ProcFiles): TcpTable {
  const listening = new Set<number>();
  const established: TcpConnection[] = [];
  for (const file of ['net/tcp', 'net/tcp6']) {
    for (const line of proc.read(file)?.split('\n').slice(1) ?? []) {
      const [, local, remote, state, , , , , , inode = ''] = line.trim().split(/\s+/);
      if (local === undefined || remote === undefined) continue;
      if (state === LISTEN) listening.add(end(local).port);
      else if (state === ESTABLISHED) {
        established.push({ local: end(local), remote: end(remote), inode, queued: inode === '0' });
      }
    }
  }
  return { listening, established };
}

/** `0100007F:2425`: an address in words of host byte order, here little-endian, and a port in plain hexadecimal. */
function end(text: string): TcpEnd {
  const [words = '', port = '0'] = text.split(':');
  const bytes = (words.match(/.{8}/g) ?? []).map((word) => word.match(/../g)!.reverse().join('')).join('');
  return { address: hexToAddress(bytes), port: parseInt(port, 16) };
}
