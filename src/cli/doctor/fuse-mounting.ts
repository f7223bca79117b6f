/** Whether `pool-ts device` could mount its file here. */
import { type Finding, ok, warn } from './finding.js';
import type { Probes } from './probes.js';

const CHECK = 'FUSE';

/** Bit of CapEff in /proc/self/status (capabilities(7)). */
const CAP_SYS_ADMIN = 1n << 21n;

export async function fuseMounting(
  probes: Pick<Probes, 'platform' | 'access' | 'uid' | 'program' | 'read'>,
): Promise<Finding> {
  const cannot = (why: string, next: string): Finding => warn(CHECK, `pool-ts device can't serve here: ${why}`, next);
  if (probes.platform !== 'linux') return ok(CHECK, `none: pool-ts device is for Linux, this is ${probes.platform}`);
  const refused = await probes.access('/dev/fuse');
  if (refused === 'ENOENT') {
    return cannot('there is no /dev/fuse', 'modprobe fuse; in a container, start it with --device /dev/fuse');
  }
  if (probes.uid === 0) {
    if (refused !== null)
      return cannot(`/dev/fuse is refused (${refused})`, 'start the container with --device /dev/fuse');
    if (hasCapability(probes, CAP_SYS_ADMIN)) return ok(CHECK, 'pool-ts device can serve: root mounts by itself');
    return cannot('root lacks CAP_SYS_ADMIN', 'start the container with --cap-add SYS_ADMIN');
  }
  if (probes.program('fusermount3')) return ok(CHECK, 'pool-ts device can serve: fusermount3 mounts');
  return cannot('fusermount3 is not installed', 'install the package fuse3, or serve as root');
}

/** Whether this process has it; where nothing tells, it is taken to. */
export function hasCapability({ read }: Pick<Probes, 'read'>, bit: bigint): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(read('/proc/self/status') ?? '')?.[1];
  return effective === undefined || (BigInt(`0x${effective}`) & bit) !== 0n;
}
