/**
 * What the package needs of itself while it runs: its workers' files, and packages that no bundler can take along. They
 * are looked for from this code's own folder upwards, whatever file of the package it is in (an entry, a chunk that
 * entries share, a source run by tsx), and from the program, where a bundler has put this code in a file of its own and
 * pool-ts is installed beside that.
 */
import { existsSync } from 'node:fs';
import nodeModule from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codeUrl } from './code-url.js';

/** Not imported by its name: webpack resolves what a `createRequire` of that name loads when it builds, with other answers. */
const createRequire: typeof nodeModule.createRequire = Reflect.get(nodeModule, 'createRequire');

/** Where to look. */
export interface Places {
  /** The URL of the file that this code is in. */
  base?: string | undefined;
  /** Paths from which a pool-ts installed beside a bundle is looked for. */
  program?: readonly string[];
}

/** The path of a file of dist, as `poolioc/worker.js`; null where there is none. */
export function distFile(name: string, { base = codeUrl, program = startedFrom() }: Places = {}): string | null {
  for (const path of candidates(name, base, program)) if (existsSync(path)) return path;
  return null;
}

/**
 * Loads a CommonJS package that pool-ts depends on.
 * @throws what `require` throws where neither this code nor the program's pool-ts finds it
 */
export function requireDependency(name: string, { base = codeUrl, program = startedFrom() }: Places = {}): unknown {
  let failure: unknown;
  for (const from of [base, ...program.map(installed)]) {
    if (from === null) continue;
    try {
      return createRequire(from)(name);
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

/** The version that package.json names. Found by the package's own name: a bundler moves this file about. */
export function packageVersion(): string {
  return (createRequire(codeUrl)('pool-ts/package.json') as { version: string }).version;
}

function startedFrom(): string[] {
  return [process.argv[1], join(process.cwd(), 'package.json')].filter((path) => path !== undefined);
}

function* candidates(name: string, base: string, program: readonly string[]): Generator<string> {
  yield* upwards(name, base);
  for (const from of program) {
    const manifest = installed(from);
    if (manifest !== null) yield join(dirname(manifest), 'dist', name);
  }
}

/** From this code's own folder up to the package's root. */
function* upwards(name: string, base: string): Generator<string> {
  if (!base.startsWith('file:')) return;
  let folder = dirname(fileURLToPath(base));
  for (;;) {
    yield join(folder, name);
    if (existsSync(join(folder, 'package.json'))) {
      yield join(folder, 'dist', name);
      return;
    }
    const parent = dirname(folder);
    if (parent === folder) return;
    folder = parent;
  }
}

/** The manifest of the pool-ts that a program would load; null where it would load none. */
function installed(from: string): string | null {
  try {
    return createRequire(resolve(from)).resolve('pool-ts/package.json');
  } catch {
    return null;
  }
}
