/**
 * Whether a device served by this user could reach the memory of the programs that use it. Their ioctls bring only a
 * struct; what its pointers name is fetched with process_vm_readv, which Yama restricts (ptrace(2), ptrace_scope).
 */
import { type Finding, ok, warn } from './finding.js';
import { hasCapability } from './fuse-mounting.js';
import type { Probes } from './probes.js';

const CHECK = 'ptrace_scope';
const FILE = '/proc/sys/kernel/yama/ptrace_scope';
const CAP_SYS_PTRACE = 1n << 19n;

/** Not even a process with CAP_SYS_PTRACE gets through. */
const NOBODY = 3;

export function memoryAccess(probes: Pick<Probes, 'read' | 'platform'>): Finding {
  if (probes.platform !== 'linux') return ok(CHECK, 'none: only pool-ts device asks, which is for Linux');
  const text = probes.read(FILE);
  if (text === null) return ok(CHECK, 'Yama is not in this kernel: pool-ts device can read and write its callers');
  const scope = Number(text.trim());
  if (scope === 0) return ok(CHECK, '0: pool-ts device can read and write its callers');
  if (scope < NOBODY && hasCapability(probes, CAP_SYS_PTRACE)) {
    return ok(CHECK, `${scope}: pool-ts device, run by this user, has CAP_SYS_PTRACE, and so can reach its callers`);
  }
  const says = `${scope}: through a device that this user serves, SEND and RECV of programs that the server did not start fail with EPERM`;
  const lower = `sysctl kernel.yama.ptrace_scope=0`;
  const next =
    scope >= NOBODY
      ? `${scope} holds until the next boot: change it in /etc/sysctl.d`
      : `serve as root, or ${lower}, or let each program call prctl(PR_SET_PTRACER) for the server`;
  return warn(CHECK, says, next);
}
