/** All checks of `pool-ts doctor`, and what follows from them. */
import { type BackendChoice, DEFAULT_DEVICE } from '../../index.js';
import { deviceCall, type SessionsDevice } from './device-call.js';
import { deviceFile } from './device-file.js';
import type { ProofFlags } from '../peers/proof-flags.js';
import { environment } from './environment.js';
import type { Finding, Wish } from './finding.js';
import { fuseMounting, memoryAccess } from './serving.js';
import { keyFiles } from './own-keys.js';
import { kernelModule, moduleListener } from './kernel-module.js';
import { ipv6Loopback, nativePackages, nodeVersion } from './runtime.js';
import { port } from './ports.js';
import type { Probes } from './probes.js';
import { selfTest } from './self-test.js';

export interface Diagnosis {
  checks: Finding[];
  /** Which backends carry a conversation. */
  works: { user: boolean; kernel: boolean };
  /** The device file is there, whatever it is worth. */
  hasDevice: boolean;
  /** What --backend, else the environment, else `auto` comes to. */
  chosen: { backend: 'user' | 'kernel'; works: boolean };
  /** The main job can be done: by the backend that --backend names, else by either. */
  usable: boolean;
}

export interface DiagnoseFlags extends ProofFlags {
  backend?: BackendChoice;
  device?: string;
  port: number;
}

/** What reaches beyond looking. */
export interface Trials {
  selfTest: () => Promise<Finding>;
  openDevice?: (path: string) => Promise<SessionsDevice>;
}

export async function diagnose(
  flags: DiagnoseFlags,
  probes: Probes,
  trials: Trials = { selfTest: () => selfTest() },
): Promise<Diagnosis> {
  const wish = wishOf(flags, probes.env);
  const file = await deviceFile(probes, wish);
  const [packages, fuse, portFinding, ipv6, self, call] = await Promise.all([
    nativePackages(probes, wish),
    fuseMounting(probes),
    port(probes, flags.port, moduleListener(probes)),
    ipv6Loopback(probes),
    trials.selfTest(),
    file.usable ? deviceCall(wish.device, file.character, trials.openDevice) : null,
  ]);
  const node = nodeVersion(probes);
  const surroundings = environment(probes);
  const backend = wish.backend === 'auto' ? (file.exists ? 'kernel' : 'user') : wish.backend;
  const checks: Finding[] = [
    node,
    self,
    ...surroundings,
    portFinding,
    ipv6,
    file.finding,
    ...(call === null ? [] : [call]),
    kernelModule(probes, file.character ? 'character' : 'other'),
    ...packages,
    fuse,
    memoryAccess(probes),
    ...(await keyFiles(flags, probes.env, backend)),
  ];
  const works = {
    user: node.status !== 'fail' && self.status === 'ok',
    // A full table is one that answers.
    kernel: node.status !== 'fail' && call !== null && call.status !== 'fail',
  };
  const misled = surroundings.some(({ status }) => status === 'fail');
  return {
    checks,
    works,
    hasDevice: file.exists,
    chosen: { backend, works: works[backend] && !misled },
    usable: flags.backend === undefined ? works.user || works.kernel : works[backend],
  };
}

/** As pool-ts itself chooses: flag, then environment, then default. A POOL_BACKEND that is none is told of elsewhere. */
function wishOf({ backend, device }: DiagnoseFlags, env: Probes['env']): Wish {
  const fromEnv = env['POOL_BACKEND'] as BackendChoice | undefined;
  const known = fromEnv !== undefined && ['auto', 'kernel', 'user'].includes(fromEnv);
  const named = device ?? (env['POOL_DEVICE'] || undefined);
  return {
    backend: backend ?? (known ? fromEnv : 'auto'),
    device: named ?? DEFAULT_DEVICE,
    deviceNamed: named !== undefined,
  };
}
