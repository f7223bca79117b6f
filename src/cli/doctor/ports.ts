/** Whether a port is free to listen on, and if not, who has it. */
import { type Finding, fail, ok, warn } from './finding.js';
import { type ModuleListener } from './kernel-module.js';
import { portHolder } from './port-holder.js';
import type { Probes } from './probes.js';

/** Every address of either family, and its loopback. */
const EVERYWHERE = [
  { host: '0.0.0.0', loopback: '127.0.0.1' },
  { host: '::', loopback: '::1' },
] as const;

export async function port(
  probes: Pick<Probes, 'bind' | 'greet' | 'read' | 'list' | 'link'>,
  number: number,
  module: ModuleListener | null,
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
