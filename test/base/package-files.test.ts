import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { distFile, requireDependency } from '../../src/base/package-files.js';

const folder = mkdtempSync(join(tmpdir(), 'pool files #a%20b-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

// As pnpm has it: what pool-ts depends on is found from pool-ts alone.
const POOL = 'app/node_modules/pool-ts';
write(`${POOL}/package.json`, '{"name":"pool-ts"}');
const worker = write(`${POOL}/dist/some/worker.js`, '');
write(`${POOL}/node_modules/layouts/index.js`, "module.exports = 'layouts';");
write(`${POOL}/node_modules/native/index.js`, "throw new Error('no binary');");
const bundle = join(folder, 'app/out/bundle.cjs');
const elsewhere = pathToFileURL(join(folder, 'elsewhere/bundle.cjs')).href;

describe('the files of the package', () => {
  it.each([
    ['an entry', `${POOL}/dist/index.js`],
    ['an entry in a folder', `${POOL}/dist/pool/index.cjs`],
    ['a source', `${POOL}/src/base/package-files.ts`],
  ])('are found from %s', (_, from) => {
    expect(distFile('some/worker.js', { base: pathToFileURL(join(folder, from)).href, program: [] })).toBe(worker);
  });

  it('are found beside a bundle, and are null where there are none', () => {
    expect(distFile('some/worker.js', { base: elsewhere, program: [bundle] })).toBe(worker);
    expect(distFile('some/worker.js', { base: 'data:text/javascript,', program: [bundle] })).toBe(worker);
    expect(distFile('other/worker.js', { base: elsewhere, program: [bundle] })).toBeNull();
    expect(distFile('some/worker.js', { base: elsewhere, program: [] })).toBeNull();
  });
});

describe('the packages that it depends on', () => {
  it('are found from its own files, and from the pool-ts beside a bundle', () => {
    const base = pathToFileURL(join(folder, POOL, 'dist/index.js')).href;
    expect(requireDependency('layouts', { base, program: [] })).toBe('layouts');
    for (const other of [elsewhere, '', 'data:text/javascript,', 'webpack://app/./x.js']) {
      expect(requireDependency('layouts', { base: other, program: [bundle] })).toBe('layouts');
    }
  });

  it('reject as require does', () => {
    expect(() => requireDependency('nothing', { base: elsewhere, program: [bundle] })).toThrow(
      expect.objectContaining({ code: 'MODULE_NOT_FOUND' }),
    );
    const base = pathToFileURL(join(folder, POOL, 'dist/index.js')).href;
    expect(() => requireDependency('native', { base, program: [] })).toThrow('no binary');
  });
});
