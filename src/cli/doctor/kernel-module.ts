/** The kernel module: loaded or not, and what its status says of the listener (kernel contract, section 2). */
import { type ModuleStatus, parseModuleStatus } from '../../base/module-status.js';
import { type Finding, ok, warn } from './finding.js';
import type { Probes } from './probes.js';

const CHECK = 'kernel module';
const STATUS = '/proc/pool/status';

/** Null where there is no such file, or none that this knows how to read. */
export function moduleListener({ read }: Pick<Probes, 'read'>): ModuleStatus | null {
  return parseModuleStatus(read(STATUS));
}

export function kernelModule(probes: Pick<Probes, 'read' | 'platform'>, device: 'character' | 'other'): Finding {
  if (probes.platform !== 'linux') return ok(CHECK, `none: pool.ko is for Linux, this is ${probes.platform}`);
  const loaded = /^pool /m.test(probes.read('/proc/modules') ?? '');
  const listener = moduleListener(probes);
  if (listener !== null) {
    const { listening, port } = listener;
    return ok(
      CHECK,
      listening ? `loaded, listening on port ${port}` : 'loaded, not listening: the first listen makes it',
    );
  }
  if (!loaded && device !== 'character') return ok(CHECK, 'not loaded, and not needed by the user backend');
  const what = loaded ? 'loaded' : 'not in /proc/modules, though there is a character device';
  const next = `make ${STATUS} visible here, or load pool.ko; in a container, run the program outside`;
  return warn(CHECK, `${what}, and ${STATUS} says nothing: listen is refused on the kernel backend`, next);
}
