/** The regular files below a folder that is to be sent. Links are not followed: what they lead to nobody has named. */
import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** A file of a folder. */
export interface Walked {
  path: string;
  /** From the folder's own name on, with `/` between the parts on every system. */
  name: string;
}

/** Is told what is left out, and why. */
export type Skipped = (path: string, why: string) => void;

/**
 * Goes through `path` in the order of the names, whose files will be called `name/…`. A folder in which there is nothing is told
 * of like the rest that is left out. Rejects with the file system's error for a folder that can't be read.
 */
export async function* filesBelow(path: string, name: string, skipped: Skipped): AsyncGenerator<Walked> {
  const entries = await readdir(path, { withFileTypes: true });
  if (entries.length === 0) skipped(path, 'the folder is empty');
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const inside = { path: join(path, entry.name), name: `${name}/${entry.name}` };
    if (entry.isFile()) yield inside;
    else if (entry.isDirectory()) yield* filesBelow(inside.path, inside.name, skipped);
    else skipped(inside.path, `it is ${kindOf(entry)}`);
  }
}

function kindOf(entry: Dirent): string {
  if (entry.isSymbolicLink()) return 'a symbolic link';
  if (entry.isFIFO()) return 'a named pipe';
  return entry.isSocket() ? 'a socket' : 'a device';
}
