/** What an import of the built package loads, and what it leaves to the first use: how long it takes comes of that. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../programs/run.js';

const DIST = join(ROOT, 'dist');

/** Modules of Node's, by a part of each that nothing else loads, which the import alone has no use for. */
const LATER = {
  'node:child_process': 'NativeModule internal/child_process',
  'node:crypto': 'NativeModule crypto',
  'node:dns': 'NativeModule dns',
  'node:http': 'NativeModule _http_agent',
  'node:perf_hooks': 'NativeModule perf_hooks',
  'node:stream/web': 'NativeModule internal/webstreams/readablestream',
  'node:tls': 'NativeModule _tls_wrap',
  'node:worker_threads': 'NativeModule worker_threads',
  'the standard input': 'Internal Binding tty_wrap',
};

/** What a program has loaded of these that an empty one has not. */
function laterModules(kind: 'module' | 'commonjs', program: string): string[] {
  const loaded = (source: string): string[] => {
    const told = `process.on('exit', () => require('node:fs').writeSync(1, JSON.stringify(process.moduleLoadList)));`;
    const require =
      kind === 'module' ? `import { createRequire } from 'node:module'; const require = createRequire('/');` : '';
    const args = [`--input-type=${kind}`, '-e', `${require}${told}${source}`];
    const { stdout, stderr, status } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      // Of a pipe or a file nothing is loaded for a terminal.
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '', NODE_DEBUG: '', POOL_BACKEND: 'user', POOL_CRYPTO: '' },
      timeout: 60_000,
    });
    expect(status, stderr).toBe(0);
    return JSON.parse(stdout) as string[];
  };
  const before = new Set(loaded(''));
  const after = new Set(loaded(program));
  return Object.entries(LATER)
    .filter(([, part]) => after.has(part) && !before.has(part))
    .map(([name]) => name);
}

/** Files of an ES module of dist: itself, and what it imports, but for what it imports later. */
function filesOf(entry: string, found = new Set<string>()): Set<string> {
  if (found.has(entry)) return found;
  found.add(entry);
  for (const [, from, alone] of readFileSync(entry, 'utf8').matchAll(
    /^(?:import|export)[^;'"]*?\sfrom\s*['"](\.[^'"]+)['"]|^import\s*['"](\.[^'"]+)['"]/gm,
  )) {
    filesOf(join(dirname(entry), (from ?? alone)!), found);
  }
  return found;
}

/** The files of src that a file of dist was made of. */
const sourcesOf = (file: string): string[] =>
  Array.from(readFileSync(file, 'utf8').matchAll(/^\/\/ src\/(\S+)$/gm), ([, name]) => name!);

const url = pathToFileURL(join(DIST, 'index.js')).href;
const path = JSON.stringify(join(DIST, 'index.cjs'));

const session = `
  const listener = await pool.listen('127.0.0.1:0');
  const [server, client] = await Promise.all([listener.accept(), pool.dial(listener.addr.toString())]);
  await Promise.all([client.close(), server.close()]);
  await listener.close();`;

describe('an import of the package', () => {
  it.each([
    ['an ES module', 'module', `await import('${url}');`],
    ['CommonJS', 'commonjs', `require(${path});`],
  ] as const)('leaves to later what only sessions, streams, names and keys need: %s', (_, kind, program) => {
    expect(laterModules(kind, program)).toEqual([]);
  });

  it.each([
    ['an ES module', 'module', `const pool = await import('${url}');${session}`],
    ['CommonJS', 'commonjs', `const pool = require(${path}); (async () => {${session}})();`],
  ] as const)('has it then: the first session loads cryptography: %s', (_, kind, program) => {
    const loaded = laterModules(kind, program);
    expect(loaded).toContain('node:crypto');
    expect(loaded).not.toContain('node:http');
    expect(loaded).not.toContain('node:stream/web');
  });

  it('has three files, and neither backend in them', () => {
    const files = [...filesOf(join(DIST, 'index.js'))];
    expect(files).toHaveLength(3);
    const sources = files.flatMap(sourcesOf);
    expect(sources).toContain('pool/dial.ts');
    const backends = sources.filter(
      (name) =>
        /^(poolnode|poolioc|pooldev|pool\/kernel|http|metrics|cli)\//.test(name) && !name.endsWith('/constants.ts'),
    );
    expect(backends).toEqual([]);
  });

  it('finds the node in user space in a file of its own', () => {
    const sources = [...filesOf(join(DIST, 'poolnode/index.js'))].flatMap(sourcesOf);
    expect(sources).toContain('poolnode/protocol/session.ts');
    expect(sources).not.toContain('pool/dial.ts');
  });
});

describe('what the package loads later', () => {
  const commonjs = readdirSync(DIST, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.cjs'));

  it('is required by its CommonJS: a program in a context of its own, as those of jest, has no import()', () => {
    expect(commonjs.length).toBeGreaterThan(10);
    const imported = commonjs.filter((name) => /\bimport\(\s*['"]\./.test(readFileSync(join(DIST, name), 'utf8')));
    expect(imported).toEqual([]);
    const required = commonjs.filter((name) =>
      /\.then\(\(\) => require\('\.\//.test(readFileSync(join(DIST, name), 'utf8')),
    );
    expect(required.length).toBeGreaterThan(0);
  });
});
