import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { afterAll, describe, expect, it } from 'vitest';
import { findWorkerFile } from '../../src/poolioc/worker-file.js';

const folder = mkdtempSync(join(tmpdir(), 'pool worker #a%20b-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A package as npm installs it. */
function install(name: string): string {
  const root = join(folder, name);
  mkdirSync(join(root, 'dist', 'poolioc'), { recursive: true });
  writeFileSync(join(root, 'package.json'), '{"name":"pool-ts","type":"module"}');
  writeFileSync(
    join(root, 'dist', 'poolioc', 'worker.js'),
    "import { parentPort } from 'node:worker_threads';\nparentPort.postMessage('up');\n",
  );
  return root;
}

describe('findWorkerFile', () => {
  const root = install('pool-ts');
  const worker = join(root, 'dist', 'poolioc', 'worker.js');

  it.each([
    ['an entry', 'dist/poolioc/index.js'],
    ['a chunk', 'dist/chunk-ABC.js'],
    ['another entry', 'dist/pool/index.cjs'],
    ['a source file', 'src/poolioc/worker-file.ts'],
  ])('finds it from %s', (_, from) => {
    const base = pathToFileURL(join(root, from)).href;
    expect(fileURLToPath(findWorkerFile({ override: undefined, base }))).toBe(worker);
  });

  it('gives a URL that starts, in a path with spaces, # and %', async () => {
    const base = pathToFileURL(join(root, 'dist/index.js')).href;
    const thread = new Worker(findWorkerFile({ override: undefined, base }));
    expect(await once(thread, 'message')).toEqual(['up']);
    await thread.terminate();
  });

  it('takes what POOL_WORKER names, and says so where it names nothing', () => {
    expect(fileURLToPath(findWorkerFile({ override: worker, base: '' }))).toBe(worker);
    const missing = join(folder, 'gone.js');
    expect(() => findWorkerFile({ override: missing, base: '' })).toThrow(
      expect.objectContaining({ code: 'ENOTSUP', message: expect.stringContaining(missing) as string }),
    );
  });

  it('names the way out in a bundle', () => {
    const bundle = join(folder, 'app');
    mkdirSync(bundle);
    writeFileSync(join(bundle, 'package.json'), '{"name":"app"}');
    for (const base of [pathToFileURL(join(bundle, 'out.js')).href, '', 'data:text/javascript,']) {
      expect(() => findWorkerFile({ override: '', base, program: [bundle] })).toThrow(
        expect.objectContaining({ code: 'ENOTSUP', message: expect.stringContaining('POOL_WORKER') as string }),
      );
    }
  });

  it('finds an installed pool-ts beside a bundle', () => {
    const app = join(folder, 'other app');
    mkdirSync(join(app, 'node_modules'), { recursive: true });
    const installed = install(join('other app', 'node_modules', 'pool-ts'));
    const found = findWorkerFile({ override: '', base: '', program: [join(app, 'bundle.js')] });
    expect(fileURLToPath(found)).toBe(join(installed, 'dist', 'poolioc', 'worker.js'));
  });
});
