// Makes dist: the code with tsup, the declarations beside it, and nothing that can't be reached from what package.json names.
//
// tsup's own declarations take three quarters of a build, since it checks all types again for them. Here tsc writes one
// declaration a module without checking (`npm run typecheck` does that), and rollup-plugin-dts makes them one a public entry.
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  const workers = [CALLS, 'pooldev/worker'];
  for (const entry of [...entries, ...workers]) visit(join(dist, `${entry}.cjs`));
  for (const name of readdirSync(dist, { recursive: true })) {
    const file = join(dist, name);
    if (file.endsWith('.cjs') && !reached.has(file)) rmSync(file);
  }
}

/** The file of the threads that make a device's calls: there are as many as sessions, and each of them loads it. */
const CALLS = 'poolioc/worker';
/** Entries that load for themselves what they share with the main one. The others stand on that, or are commands. */
const APART = ['poolnode/index', 'poolioc/index', 'pooldev/index', 'pooldev/worker'];

/**
 * The ES modules again, in fewer files. esbuild makes a chunk for each set of entries that share something, sixteen of them for
 * the main one, and Node takes a millisecond to find, read and link each. Two are left of these: what the main entry shares
 * with one that stands apart from it, and what it alone loads. (CommonJS loads a file in a tenth of that.) The threads' file
 * has all in itself.
 */
async function joinChunks() {
  const names = [...entries, ...APART.filter((name) => name.endsWith('worker')), 'cli/main'];
  const external = (id) => !id.startsWith('.') && !id.startsWith('/');
  const bundle = await rollup({
    input: Object.fromEntries(names.map((name) => [name, join(dist, `${name}.js`)])),
    external,
    treeshake: false,
  });
  const calls = await rollup({ input: join(dist, `${CALLS}.js`), external });
  const written = mkdtempSync(join(tmpdir(), 'pool-ts-modules-'));
  const shape = { format: 'es', hoistTransitiveImports: false, minifyInternalExports: false };
  try {
    await calls.write({ ...shape, file: join(written, `${CALLS}.js`), inlineDynamicImports: true });
    await bundle.write({
      ...shape,
      dir: written,
      entryFileNames: '[name].js',
      chunkFileNames: 'chunk-[hash].js',
      manualChunks: (id, { getModuleInfo }) => {
        const reach = (name) => reachOf(join(dist, `${name}.js`), getModuleInfo);
        if (!reach('index').has(id) || names.some((name) => join(dist, `${name}.js`) === id)) return;
        return APART.some((name) => reach(name).has(id)) ? 'shared' : 'main';
      },
    });
    for (const name of readdirSync(dist, { recursive: true })) if (name.endsWith('.js')) rmSync(join(dist, name));
    cpSync(written, dist, { recursive: true });
  } finally {
    await Promise.all([bundle.close(), calls.close()]);
    rmSync(written, { recursive: true, force: true });
  }
}

const reaches = new Map();

/** What is loaded with a module: itself, and what it imports, but not later. */
function reachOf(from, getModuleInfo) {
  const reached = reaches.get(from) ?? new Set([from]);
  if (!reaches.has(from))
    for (const id of reached) for (const next of getModuleInfo(id)?.importedIds ?? []) reached.add(next);
  reaches.set(from, reached);
  return reached;
}

/**
 * In CommonJS what is loaded later is required: test runners that run a program in a context of their own, as jest does, have
 * no import() there. Packages that are ES modules stay imported.
 */
function requireInCommonJs() {
  for (const name of readdirSync(dist, { recursive: true })) {
    if (!name.endsWith('.cjs')) continue;
    const file = join(dist, name);
    const text = readFileSync(file, 'utf8');
    const required = text.replaceAll(
      /\bimport\((['"]\.{1,2}\/[^'"]+\.cjs['"])\)/g,
      'Promise.resolve().then(() => require($1))',
    );
    if (required !== text) writeFileSync(file, required);
  }
}

console.error('building dist (10 to 60 s)');
// Not below node_modules: what lies there the plugin takes for another package.
const modules = mkdtempSync(join(tmpdir(), 'pool-ts-types-'));
try {
  const [bundle] = await Promise.all([declarations(modules), node('tsup/dist/cli-default.js', '--silent')]);
  await writeDeclarations(bundle);
  prune();
  requireInCommonJs();
  await joinChunks();
} finally {
  rmSync(modules, { recursive: true, force: true });
}
