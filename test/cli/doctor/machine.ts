/** A machine in memory: where nothing else is said, a plain Linux on which all is well and no device exists. */
import type { FileKind, Probes } from '../../../src/cli/doctor/probes.js';

export interface Machine extends Partial<Omit<Probes, 'read' | 'stat' | 'access' | 'bind' | 'load' | 'program'>> {
  files?: Record<string, string>;
  folders?: Record<string, string[]>;
  links?: Record<string, string>;
  kinds?: Record<string, FileKind>;
  /** Errno names by path. */
  refused?: Record<string, string>;
  programs?: string[];
  /** Why packages don't load. */
  /** Why packages don't load; or the ms in which it was not known. */
  broken?: Record<string, string | number>;
  /** Errno names by `host port`. */
  taken?: Record<string, string>;
}

export function machine(of: Machine = {}): Probes {
  const { files = {}, folders = {}, links = {}, kinds = {}, refused = {}, programs = [], broken = {}, taken = {} } = of;
  return {
    platform: 'linux',
    arch: 'x64',
    nodeVersion: 'v22.1.0',
    uid: 1000,
    env: {},
    read: (path) => files[path] ?? null,
    list: (path) => folders[path] ?? [],
    link: (path) => links[path] ?? null,
    stat: async (path) => kinds[path] ?? { code: 'ENOENT' },
    access: async (path) => refused[path] ?? null,
    program: (name) => programs.includes(name),
    load: async (name) => {
      const how = broken[name];
      if (how === undefined) return null;
      return typeof how === 'number' ? { slow: how } : { problem: how };
    },
    bind: async (host, port) => taken[`${host} ${port}`] ?? null,
    greet: async () => 'nobody',
    ...of,
  };
}
