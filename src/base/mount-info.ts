/** The mounts of this process's namespace, as /proc/self/mountinfo lists them (proc(5)). */
import { readFileSync } from 'node:fs';

export interface MountEntry {
  path: string;
  /** `fuse.pool-ts`, `ext4`... */
  type: string;
  source: string;
}

/** `text` with one byte a character (latin1). In the order of mounting: of several entries at one path the last is on top. */
export function parseMountInfo(text: string): MountEntry[] {
  const entries: MountEntry[] = [];
  for (const line of text.split('\n')) {
    const [before, after] = line.split(' - ', 2);
    const path = before?.split(' ')[4];
    const [type, source] = after?.split(' ') ?? [];
    if (path === undefined || type === undefined || source === undefined) continue;
    entries.push({ path: unescape(path), type, source: unescape(source) });
  }
  return entries;
}

/** Blanks, tabs, newlines and backslashes are written as three octal digits; `text` holds one byte a character. */
function unescape(text: string): string {
  const bytes = text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** What is mounted at exactly this path, topmost last. */
export function mountsAt(path: string, read: () => string = readMountInfo): MountEntry[] {
  return parseMountInfo(read()).filter((entry) => entry.path === path);
}

function readMountInfo(): string {
  return readFileSync('/proc/self/mountinfo', 'latin1');
}
