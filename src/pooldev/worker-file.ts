/** Where the worker's own file is: dist/pooldev/worker.js of the package. */
import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { PoolError } from '../base/errors.js';
import { distFile, type Places } from '../base/package-files.js';

/** The file's name. Throws where there is none, with the way out. */
export function findServerFile(given: string | URL | undefined, places: Places = {}): string {
  if (given !== undefined) return existingFile(given);
  const path = distFile('pooldev/worker.js', places);
  if (path !== null) return path;
  throw new PoolError(
    'ENOENT',
    "serve pool device: pool-ts can't find its worker, dist/pooldev/worker.js; if a bundler made this program, keep " +
      'pool-ts installed beside it or mark pool-ts as external, or name that file in the option worker',
  );
}

function existingFile(given: string | URL): string {
  const url = given instanceof URL || given.startsWith('file:') ? new URL(given) : pathToFileURL(given);
  if (url.protocol === 'file:' && existsSync(url)) return fileURLToPath(url);
  throw new PoolError(
    'ENOENT',
    `serve pool device: the option worker names ${String(given)}, and there is no such file`,
  );
}
