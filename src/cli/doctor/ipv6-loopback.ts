/** Whether this machine has ::1. */
import { type Finding, ok, warn } from './finding.js';
import type { Probes } from './probes.js';

const CHECK = 'IPv6 loopback';

export async function ipv6Loopback({ bind }: Pick<Probes, 'bind'>): Promise<Finding> {
  const code = await bind('::1', 0);
  if (code === null) return ok(CHECK, '::1 is there');
  const says = `no ::1 (${code}): [::1]:9253 can't be dialled, and the kernel module's LISTEN needs IPv6`;
  return warn(CHECK, says, 'enable IPv6, or dial 127.0.0.1 and keep to the user backend');
}
