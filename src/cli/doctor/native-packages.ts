/** The packages that the device needs; talking POOL from this process needs none of them. */
import { type Finding, fail, ok, type Wish, wantsDevice, warn } from './finding.js';
import type { Loaded, Probes } from './probes.js';

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
