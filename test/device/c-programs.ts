/** The programs in C of this folder, compiled for a test file. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCES = fileURLToPath(new URL('programs/', import.meta.url));
/** Where pool.h is. */
const HEADERS = fileURLToPath(new URL('../pooldev/fixtures/', import.meta.url));

export interface CPrograms {
  path(name: string): string;
  remove(): void;
}

/** Compiles `<name>.c` of programs/ for each name, into a folder of its own. */
export function compilePrograms(...names: string[]): CPrograms {
  const folder = mkdtempSync(join(tmpdir(), 'pool-programs-'));
  const path = (name: string): string => join(folder, name);
  const strictly = ['-Wall', '-Wextra', '-Werror', '-O1', '-pthread', '-I', HEADERS];
  for (const name of names) execFileSync('cc', [...strictly, '-o', path(name), join(SOURCES, `${name}.c`)]);
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
