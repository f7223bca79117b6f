/** Where the worker's file is: dist/poolioc/worker.js of the package. Node 20 starts no worker from TypeScript. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PoolError } from '../base/errors.js';
import { distFile, type Places } from '../base/package-files.js';

export interface WorkerFileOptions extends Places {
  /** A path; POOL_WORKER by default. */
  override?: string | undefined;
}

/**
 * The worker's URL: a file URL, so that paths with spaces, # and % work.
 * @throws PoolError ENOTSUP with the way out, where the file isn't found (in a bundler's output): ENOENT would be the device's
 */
export function findWorkerFile({ override = process.env['POOL_WORKER'], ...places }: WorkerFileOptions = {}): URL {
  if (override !== undefined && override !== '') {
    const path = resolve(override);
    if (existsSync(path)) return pathToFileURL(path);
    throw new PoolError('ENOTSUP', `POOL_WORKER names ${path}, and there is no such file`);
  }
  const path = distFile('poolioc/worker.js', places);
  if (path !== null) return pathToFileURL(path);
  throw new PoolError(
    'ENOTSUP',
    "pool-ts can't find its worker, dist/poolioc/worker.js; if a bundler made this program, keep pool-ts installed beside " +
      'it or mark pool-ts as external, or set POOL_WORKER to the path of that file in an installed pool-ts; if it runs ' +
      "from pool-ts' sources, build them first: npm run build",
  );
}
