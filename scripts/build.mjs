// Makes dist: the code with tsup, the declarations beside it, and nothing that can't be reached from what package.json names.
//
// tsup's own declarations take three quarters of a build, since it checks all types again for them. Here tsc writes one
// declaration a module without checking (`npm run typecheck` does that), and rollup-plugin-dts makes them one a public entry.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Public entries as `pool/index`, from the exports of package.json. */
const entries = Object.values(manifest.exports)
  .map((target) => target.import?.default)
  .filter(Boolean)
  .map((file) => relative('./dist', file).replace(/\.js$/, ''));

/** Runs a program of node_modules with this Node; rejects when it fails. */
function node(file, ...args) {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [join(root, 'node_modules', file), ...args], { cwd: root, stdio: 'inherit' });
    child.once('error', failed);
    child.once('exit', (status, signal) => {
      if (status === 0) done();
      else failed(new Error(`${file} ended with ${signal ?? `status ${status}`}`));
    });
  });
}

async function declarations(modules) {
  const options = ['--emitDeclarationOnly', '--declaration', '--noCheck', '--noEmit', 'false', '--rootDir', 'src'];
  await node('typescript/bin/tsc', '-p', 'tsconfig.build.json', ...options, '--outDir', modules);
  const bundle = await rollup({
    input: Object.fromEntries(entries.map((entry) => [entry, join(modules, `${entry}.d.ts`)])),
    plugins: [dts()],
    external: (id) => !id.startsWith('.') && !id.startsWith('/'),
    // A public entry that re-exports another one is no circle, and a class that a public one extends needs no entry.
    onwarn: (warning, warn) => {
      const expected = warning.code === 'CIRCULAR_DEPENDENCY' || /references private shared type/.test(warning.message);
      if (!expected) warn(warning);
    },
  });
  return bundle;
}

/** Both module systems get declarations of their own: TypeScript takes a .d.ts of an ES module for no CommonJS module. */
async function writeDeclarations(bundle) {
  for (const ending of ['d.ts', 'd.cts']) {
    const names = { entryFileNames: `[name].${ending}`, chunkFileNames: `types-[hash].${ending}` };
    await bundle.write({ dir: dist, format: 'es', ...names });
  }
  await bundle.close();
}

/**
 * tsup makes a CommonJS file of all that it makes an ES module of, the command line among it, whose bin is an ES module.
 * What no public CommonJS entry and no worker reaches is taken away.
 */
function prune() {
  const reached = new Set();
  const visit = (file) => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const [, name] of readFileSync(file, 'utf8').matchAll(/['"](\.{1,2}\/[^'"]+\.cjs)['"]/g)) {
      visit(resolve(dirname(file), name));
    }
  };
  const workers = ['poolioc/worker', 'pooldev/worker'];
  for (const entry of [...entries, ...workers]) visit(join(dist, `${entry}.cjs`));
  for (const name of readdirSync(dist, { recursive: true })) {
    const file = join(dist, name);
    if (file.endsWith('.cjs') && !reached.has(file)) rmSync(file);
  }
}

console.error('building dist (10 to 60 s)');
// Not below node_modules: what lies there the plugin takes for another package.
const modules = mkdtempSync(join(tmpdir(), 'pool-ts-types-'));
try {
  const [bundle] = await Promise.all([declarations(modules), node('tsup/dist/cli-default.js', '--silent')]);
  await writeDeclarations(bundle);
  prune();
} finally {
  rmSync(modules, { recursive: true, force: true });
}
