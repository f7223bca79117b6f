/** Where the worker's own file is: beside this code in the package, wherever the build has put this code. */
import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { PoolError } from '../base/errors.js';

/** From dist/pooldev, from a chunk in dist, from another entry of dist, and from the sources. */
const CANDIDATES = ['./worker.js', './pooldev/worker.js', './worker.js', '../../dist/pooldev/worker.js'];

/** The file's name. Throws where there is none, with the way out. */
export function findWorkerFile(given: string | URL | undefined, base = import.meta.url): string {
  if (given !== undefined) return existingFile(given);
  for (const candidate of CANDIDATES) {
    const url = new URL(candidate, base);
    if (url.protocol === 'file:' && existsSync(url)) return fileURLToPath(url);
  }
  throw new PoolError(
    'ENOENT',
    'serve pool device: dist/pooldev/worker.js of pool-ts is not beside the code: a bundler has moved it; keep pool-ts external, or name the file in the option worker',
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
