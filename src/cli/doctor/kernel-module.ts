/** The kernel module: loaded or not, and what its status says of the listener (kernel contract, section 2). */
import { type Finding, ok, warn } from './finding.js';
import type { Probes } from './probes.js';

export interface ModuleListener {
  listening: boolean;
  /** The port that is open, or was open last. */
  port: number;
}

const CHECK = 'kernel module';
const STATUS = '/proc/pool/status';

/** Null where there is no such file, or none that this knows how to read. */
export function moduleListener({ read }: Pick<Probes, 'read'>): ModuleListener | null {
  const text = read(STATUS);
  const status = /^\s*Status:\s*(listening|idle)\s*$/im.exec(text ?? '')?.[1];
  if (status === undefined) return null;
  return {
    listening: status.toLowerCase() === 'listening',
    port: Number(/^\s*Listen port:\s*(\d+)/im.exec(text ?? '')?.[1] ?? 0),
  };
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
