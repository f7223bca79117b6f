/**
 * Whether `pool-ts device` could serve here: mount its file, and reach the memory of the programs that use it. Their ioctls
 * bring only a struct; what its pointers name is fetched with process_vm_readv, which Yama restricts (ptrace(2), ptrace_scope).
 */
import { type Finding, ok, warn } from './finding.js';
import type { Probes } from './probes.js';

const FUSE = 'FUSE';

/** Bit of CapEff in /proc/self/status (capabilities(7)). */
const CAP_SYS_ADMIN = 1n << 21n;

export async function fuseMounting(
  probes: Pick<Probes, 'platform' | 'access' | 'uid' | 'program' | 'read'>,
): Promise<Finding> {
  const cannot = (why: string, next: string): Finding => warn(FUSE, `pool-ts device can't serve here: ${why}`, next);
  if (probes.platform !== 'linux') return ok(FUSE, `none: pool-ts device is for Linux, this is ${probes.platform}`);
  const refused = await probes.access('/dev/fuse');
  if (refused === 'ENOENT') {
    return cannot('there is no /dev/fuse', 'modprobe fuse; in a container, start it with --device /dev/fuse');
  }
  if (probes.uid === 0) {
    if (refused !== null)
      return cannot(`/dev/fuse is refused (${refused})`, 'start the container with --device /dev/fuse');
    if (hasCapability(probes, CAP_SYS_ADMIN)) return ok(FUSE, 'pool-ts device can serve: root mounts by itself');
    return cannot('root lacks CAP_SYS_ADMIN', 'start the container with --cap-add SYS_ADMIN');
  }
  if (probes.program('fusermount3')) return ok(FUSE, 'pool-ts device can serve: fusermount3 mounts');
  return cannot('fusermount3 is not installed', 'install the package fuse3, or serve as root');
}

/** Whether this process has it; where nothing tells, it is taken to. */
function hasCapability({ read }: Pick<Probes, 'read'>, bit: bigint): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(read('/proc/self/status') ?? '')?.[1];
  return effective === undefined || (BigInt(`0x${effective}`) & bit) !== 0n;
}

const PTRACE_SCOPE = 'ptrace_scope';
const FILE = '/proc/sys/kernel/yama/ptrace_scope';
const CAP_SYS_PTRACE = 1n << 19n;

/** Not even a process with CAP_SYS_PTRACE gets through. */
const NOBODY = 3;

export function memoryAccess(probes: Pick<Probes, 'read' | 'platform'>): Finding {
  if (probes.platform !== 'linux') return ok(PTRACE_SCOPE, 'none: only pool-ts device asks, which is for Linux');
  const text = probes.read(FILE);
  if (text === null)
    return ok(PTRACE_SCOPE, 'Yama is not in this kernel: pool-ts device can read and write its callers');
  const scope = Number(text.trim());
  if (scope === 0) return ok(PTRACE_SCOPE, '0: pool-ts device can read and write its callers');
  if (scope < NOBODY && hasCapability(probes, CAP_SYS_PTRACE)) {
    return ok(
      PTRACE_SCOPE,
      `${scope}: pool-ts device, run by this user, has CAP_SYS_PTRACE, and so can reach its callers`,
    );
  }
  const says = `${scope}: through a device that this user serves, SEND and RECV of programs that the server did not start fail with EPERM`;
  const lower = `sysctl kernel.yama.ptrace_scope=0`;
  const next =
    scope >= NOBODY
      ? `${scope} holds until the next boot: change it in /etc/sysctl.d`
      : `serve as root, or ${lower}, or let each program call prctl(PR_SET_PTRACER) for the server`;
  return warn(PTRACE_SCOPE, says, next);
}
