/**
 * What this process runs on: the version of Node, the packages that the device needs (talking POOL from this process needs
 * none of them), and whether the machine has ::1.
 */
import { fail, type Finding, ok, wantsDevice, warn, type Wish } from './finding.js';
import type { Loaded, Probes } from './probes.js';

const OLDEST = 20;

export function nodeVersion({
  nodeVersion,
  platform,
  arch,
}: Pick<Probes, 'nodeVersion' | 'platform' | 'arch'>): Finding {
  const says = `${nodeVersion} on ${platform} ${arch}`;
  const major = Number(/^v(\d+)\./.exec(nodeVersion)?.[1]);
  if (major >= OLDEST) return ok('Node', says);
  return fail('Node', `${says} is too old`, `install Node ${OLDEST} or newer`);
}

export async function nativePackages({ load }: Pick<Probes, 'load'>, wish: Wish): Promise<Finding[]> {
  const [koffi, structs, ref] = await Promise.all([load('koffi'), load('ref-struct-di'), load('ref-napi')]);
  return [
    needed('koffi', koffi, 'calls ioctl for the kernel backend, and mounts for pool-ts device', wish),
    needed('ref-struct-di', structs, 'lays out the structures of pool.h', wish),
    ref === null
      ? ok('ref-napi', 'loads')
      : ok('ref-napi', `does not load (${reason(ref)}): it is optional, and pool-ts has the same in TypeScript`),
  ];
}

function needed(name: string, loaded: Loaded, purpose: string, wish: Wish): Finding {
  if (loaded === null) return ok(name, `loads; ${purpose}`);
  if ('slow' in loaded) {
    return warn(
      name,
      `whether it loads is not known: ${reason(loaded)}`,
      'run pool-ts doctor again on a less busy machine',
    );
  }
  const says = `does not load (${reason(loaded)}): no device can be used; the user backend does without`;
  const next = `npm install pool-ts again with its dependencies, or keep to POOL_BACKEND=user`;
  return (wantsDevice(wish) ? fail : warn)(name, says, next);
}

/** The limit is the check's own: what it ends says nothing of the package. */
function reason(loaded: NonNullable<Loaded>): string {
  return 'slow' in loaded ? `it was not done in ${loaded.slow / 1000} s, and the check ended it` : loaded.problem;
}

const CHECK = 'IPv6 loopback';

export async function ipv6Loopback({ bind }: Pick<Probes, 'bind'>): Promise<Finding> {
  const code = await bind('::1', 0);
  if (code === null) return ok(CHECK, '::1 is there');
  const says = `no ::1 (${code}): [::1]:9253 can't be dialled, and the kernel module's LISTEN needs IPv6`;
  return warn(CHECK, says, 'enable IPv6, or dial 127.0.0.1 and keep to the user backend');
}
