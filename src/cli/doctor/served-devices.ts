/** Devices that pool-ts serves on this machine, as /proc/self/mountinfo lists them (proc(5)). */
import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Probes } from './probes.js';

const TYPE = 'fuse.pool-ts';

export interface ServedDevice {
  path: string;
  /** Of the process that serves it. */
  pid: number | null;
}

export function servedDevices({ read }: Pick<Probes, 'read'>): ServedDevice[] {
  const found = new Map<string, ServedDevice>();
  for (const line of (read('/proc/self/mountinfo') ?? '').split('\n')) {
    const [before = '', after = ''] = line.split(' - ', 2);
    const [type, source = ''] = after.split(' ');
    const path = unescaped(before.split(' ')[4] ?? '');
    // Of several mounts at one place the last one is on top.
    if (path !== '') found.delete(path);
    if (type === TYPE) found.set(path, { path, pid: Number(/^pool-ts-(\d+)-/.exec(source)?.[1] ?? NaN) || null });
  }
  return [...found.values()];
}

/** The device served at `path`, whatever symbolic links lead there. */
export function servedAt(path: string, probes: Pick<Probes, 'read'>): ServedDevice | undefined {
  const wanted = resolved(path);
  return servedDevices(probes).find((device) => device.path === wanted);
}

/** The folder's links alone: to look at the file itself would ask its server, which may hang. */
function resolved(path: string): string {
  const absolute = resolve(path);
  try {
    return join(realpathSync(dirname(absolute)), basename(absolute));
  } catch {
    return absolute;
  }
}

/** Blanks and the like are three octal digits; the text holds one byte a character. */
function unescaped(text: string): string {
  const bytes = text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
