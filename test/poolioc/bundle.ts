/** Files of this repository as programs that any Node runs: Node 20 starts no worker and no child from TypeScript. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const ROOT = new URL('../../', import.meta.url);
/** Beneath node_modules, from where the packages are found. */
const CACHE = new URL('node_modules/.cache/pool-ts-test/', ROOT);

/** @param path from the root of the repository */
export async function bundle(path: string): Promise<URL> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(path, ROOT))],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
  });
  const { contents } = outputFiles[0]!;
  const name = `${createHash('sha256').update(contents).digest('hex').slice(0, 16)}.mjs`;
  const file = new URL(name, CACHE);
  if (!existsSync(file)) {
    mkdirSync(CACHE, { recursive: true });
    // Other test processes may do the same at this moment.
    const own = `${fileURLToPath(file)}.${process.pid}`;
    writeFileSync(own, contents);
    renameSync(own, file);
  }
  return pathToFileURL(fileURLToPath(file));
}

/** The worker of the sources as they are now. */
export const bundleWorker = (): Promise<URL> => bundle('src/poolioc/worker.ts');

/** URLs for a pool whose calls sleep; see test/poolioc/sleeping.ts. */
export async function sleepingFiles(): Promise<{ worker: string; libc: string; module: string }> {
  const [worker, libc] = await Promise.all([bundleWorker(), bundle('src/poolioc/libc.ts')]);
  return {
    worker: worker.href,
    libc: libc.href,
    module: new URL('test/fixtures/poolioc/sleeping-libc.mjs', ROOT).href,
  };
}
