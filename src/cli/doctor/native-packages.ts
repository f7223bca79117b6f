/** The packages that the device needs; talking POOL from this process needs none of them. */
import { type Finding, fail, ok, type Wish, wantsDevice, warn } from './finding.js';
import type { Probes } from './probes.js';

export async function nativePackages({ load }: Pick<Probes, 'load'>, wish: Wish): Promise<Finding[]> {
  const [koffi, structs, ref] = await Promise.all([load('koffi'), load('ref-struct-di'), load('ref-napi')]);
  return [
    needed('koffi', koffi, 'calls ioctl for the kernel backend, and mounts for pool-ts device', wish),
    needed('ref-struct-di', structs, 'lays out the structures of pool.h', wish),
    ref === null
      ? ok('ref-napi', 'loads')
      : ok('ref-napi', `does not load (${ref}): it is optional, and pool-ts has the same in TypeScript`),
  ];
}

function needed(name: string, problem: string | null, purpose: string, wish: Wish): Finding {
  if (problem === null) return ok(name, `loads; ${purpose}`);
  const says = `does not load (${problem}): no device can be used; the user backend does without`;
  const next = `npm install pool-ts again with its dependencies, or keep to POOL_BACKEND=user`;
  return (wantsDevice(wish) ? fail : warn)(name, says, next);
}
