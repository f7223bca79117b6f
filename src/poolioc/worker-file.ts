/**
 * Where the worker's file is: dist/poolioc/worker.js of the package, whatever file of the package this code is in (an entry,
 * a chunk that entries share, a source file run by tsx). Node 20 starts no worker from TypeScript.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { PoolError } from '../base/errors.js';

const WORKER = join('poolioc', 'worker.js');

export interface WorkerFileOptions {
  /** A path; POOL_WORKER by default. */
  override?: string | undefined;
  /** The URL of the file that this code is in. */
  base?: string | undefined;
  /** Paths from which a pool-ts installed beside a bundle is looked for. */
  program?: readonly string[];
}

/**
 * The worker's URL: a file URL, so that paths with spaces, # and % work.
 * @throws PoolError ENOENT with the way out, where the file isn't found (in a bundler's output)
 */
export function findWorkerFile({
  override = process.env['POOL_WORKER'],
  base = import.meta.url,
  program = [process.argv[1], join(process.cwd(), 'package.json')].filter((path) => path !== undefined),
}: WorkerFileOptions = {}): URL {
  if (override !== undefined && override !== '') {
    const path = resolve(override);
    if (existsSync(path)) return pathToFileURL(path);
    throw new PoolError('ENOENT', `POOL_WORKER names ${path}, and there is no such file`, { syscall: 'open' });
  }
  for (const path of [...fromHere(base), ...fromProgram(program)]) if (existsSync(path)) return pathToFileURL(path);
  throw new PoolError(
    'ENOENT',
    "pool-ts can't find its worker, dist/poolioc/worker.js; if a bundler made this program, set POOL_WORKER to the path of " +
      "that file of pool-ts, or keep pool-ts external; if it runs from pool-ts' sources, build them first: npm run build",
    { syscall: 'open' },
  );
}

/** From this code's own folder up to the package's root. */
function* fromHere(base: string | undefined): Generator<string> {
  if (base === undefined || !base.startsWith('file:')) return;
  let folder = dirname(fileURLToPath(base));
  for (;;) {
    yield join(folder, WORKER);
    if (existsSync(join(folder, 'package.json'))) {
      yield join(folder, 'dist', WORKER);
      return;
    }
    const parent = dirname(folder);
    if (parent === folder) return;
    folder = parent;
  }
}

/** A bundle beside an installed pool-ts. */
function* fromProgram(program: readonly string[]): Generator<string> {
  for (const from of program) {
    try {
      yield join(dirname(createRequire(resolve(from)).resolve('pool-ts/package.json')), 'dist', WORKER);
    } catch {
      // Not installed where this program looks.
    }
  }
}
