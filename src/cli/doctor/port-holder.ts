/** The process that listens on a TCP port, as far as /proc lets this process see it. */
import type { Probes } from './probes.js';

export interface PortHolder {
  pid: number;
  /** Its command line, cut to a line's length. */
  command: string;
}

/** State LISTEN in /proc/net/tcp. */
const LISTEN = '0A';
const COMMAND_LENGTH = 60;

export function portHolder(port: number, probes: Pick<Probes, 'read' | 'list' | 'link'>): PortHolder | null {
  const sockets = new Set(inodes(port, probes).map((inode) => `socket:[${inode}]`));
  if (sockets.size === 0) return null;
  for (const pid of probes.list('/proc').filter((name) => /^\d+$/.test(name))) {
    const holds = probes.list(`/proc/${pid}/fd`).some((fd) => sockets.has(probes.link(`/proc/${pid}/fd/${fd}`) ?? ''));
    if (holds) return { pid: Number(pid), command: command(pid, probes) };
  }
  return null;
}

/** Columns of /proc/net/tcp: number, local address, remote address, state ... inode as the tenth. */
function inodes(port: number, { read }: Pick<Probes, 'read'>): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => (read(file) ?? '').split('\n').slice(1));
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([, local = '', , state]) => state === LISTEN && local.endsWith(suffix))
    .map((columns) => columns[9] ?? '0')
    .filter((inode) => inode !== '0');
}

function command(pid: string, { read }: Pick<Probes, 'read'>): string {
  // What another program calls itself may hold anything, and is shown on a terminal.
  const text = (read(`/proc/${pid}/cmdline`) ?? '').replaceAll(/[^\x20-\x7e]+/g, ' ').trim();
  return text.length > COMMAND_LENGTH ? `${text.slice(0, COMMAND_LENGTH - 1)}…` : text;
}
