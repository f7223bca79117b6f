/**
 * The worker's file, built from the sources as they are: a thread can't start from TypeScript on Node 20, and a dist that
 * lies about would test yesterday's code.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Builds dist/pooldev and more into a folder where its imports find node_modules; `remove` takes it away. */
export async function buildPooldev(): Promise<{ workerFile: string; indexFile: string; remove(): void }> {
  const cache = join(root, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const outDir = mkdtempSync(join(cache, 'pooldev-test-'));
  await build({
    entry: {
      'pooldev/worker': join(root, 'src/pooldev/worker.ts'),
      'pooldev/index': join(root, 'src/pooldev/index.ts'),
    },
    outDir,
    format: 'esm',
    target: 'node20',
    platform: 'node',
    config: false,
    silent: true,
    dts: false,
  });
  return {
    workerFile: join(outDir, 'pooldev/worker.js'),
    indexFile: join(outDir, 'pooldev/index.js'),
    remove: () => rmSync(outDir, { recursive: true, force: true }),
  };
}
