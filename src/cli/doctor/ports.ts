/** Whether a port is free to listen on, and if not, who has it: as far as /proc lets this process see that. */
import type { ModuleStatus } from '../../base/module-status.js';
import { fail, type Finding, ok, warn } from './finding.js';
import type { Probes } from './probes.js';

/** Every address of either family, and its loopback. */
const EVERYWHERE = [
  { host: '0.0.0.0', loopback: '127.0.0.1' },
  { host: '::', loopback: '::1' },
] as const;

export async function port(
  probes: Pick<Probes, 'bind' | 'greet' | 'read' | 'list' | 'link'>,
  number: number,
  module: ModuleStatus | null,
): Promise<Finding> {
  const check = `port ${number}`;
  // The module's own listener is asked nothing: it serves one handshake at a time.
  if (module?.listening === true && module.port === number) return ok(check, 'the kernel module listens on it');
  const tried = await Promise.all(
    EVERYWHERE.map(async (where) => ({ ...where, code: await probes.bind(where.host, number) })),
  );
  const taken = tried.filter(({ code }) => code === 'EADDRINUSE');
  const [first] = taken;
  if (first === undefined) {
    const forbidden = tried.find(({ code }) => code === 'EACCES' || code === 'EPERM');
    if (forbidden !== undefined) {
      return warn(
        check,
        `this user may not listen on it (${forbidden.code})`,
        'take a port from 1024, or run with the right',
      );
    }
    const free = tried.filter(({ code }) => code === null).map(({ host }) => host);
    if (free.length === 0)
      return fail(
        check,
        `can't be listened on (${tried.map(({ code }) => code).join(', ')})`,
        'check the network of this machine',
      );
    return ok(check, `free on ${free.join(' and ')}`);
  }
  const where = taken.map(({ host }) => host).join(' and ');
  const holder = portHolder(number, probes);
  const by = holder === null ? '' : `, process ${holder.pid} (${holder.command})`;
  if ((await probes.greet(first.loopback, number)) === 'POOL') {
    return ok(check, `taken on ${where} by a POOL node${by}: it answers; a second listen on this port gets EADDRINUSE`);
  }
  const next = `end that program, or name another port, as ':${number + 1}'`;
  return warn(check, `taken on ${where} by something that speaks no POOL on ${first.loopback}${by}`, next);
}

export interface PortHolder {
  pid: number;
  /** Its command line, cut to a line's length. */
  command: string;
}

/** State LISTEN in /proc/net/tcp. */
const LISTEN = '0A';
const COMMAND_LENGTH = 60;

function portHolder(port: number, probes: Pick<Probes, 'read' | 'list' | 'link'>): PortHolder | null {
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
