/** Programs that bundlers made of pool-ts, natives outside, as docs/guide/bundlers.md says; run as users run them. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fuse, registry } from '../require.js';
import { userProject, type UserProject } from './user-project.js';

const WORDS = 'bundled and well';

/** A conversation on the user backend, and what poolioc has to load for itself. */
const app = `
import { dial, listen, userCryptography } from 'pool-ts';
import { structs } from 'pool-ts/poolioc';
async function main() {
  const listener = await listen('127.0.0.1:0', { backend: 'user' });
  const [server, client] = await Promise.all([listener.accept(), dial(listener.addr.toString(), { backend: 'user' })]);
  await client.writeMessage('${WORDS}');
  const said = Buffer.from(await server.readMessage()).toString();
  await client.close();
  await server.close();
  await listener.close();
  console.log(JSON.stringify([said, await userCryptography(), typeof structs.SessionInfo]));
}
main();
`;

/** The same through a device that the bundle itself serves: both kinds of workers. */
const device = `
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dial, listen } from 'pool-ts';
import { PoolDevice } from 'pool-ts/pooldev';
async function main() {
  const folder = mkdtempSync(join(tmpdir(), 'pool-ts-bundle-'));
  const served = await PoolDevice.serve(join(folder, 'pool'), { host: '127.0.0.1' });
  const options = { backend: 'kernel', device: served.path };
  const listener = await listen(':0', options);
  const [server, client] = await Promise.all([listener.accept(), dial('127.0.0.1:' + listener.addr.port, options)]);
  await client.writeMessage('${WORDS}');
  const said = Buffer.from(await server.readMessage()).toString();
  await client.close();
  await server.close();
  await listener.close();
  await served.close();
  rmdirSync(folder);
  console.log(JSON.stringify([said, client.backend]));
}
main();
`;

/** What is missing where nothing of pool-ts is installed. */
const alone = `
import { dial } from 'pool-ts';
dial('127.0.0.1:1', { backend: 'kernel', device: '/dev/null' }).catch((error) => console.log(error.code, error.message));
`;

/** Each builds `name`.js as \`out/<bundler>/name\`, with the settings of the guide. */
const BUNDLERS: Record<string, { extension: string; build: string }> = {
  'esbuild, ES module': {
    extension: 'mjs',
    build: `await (await import('esbuild')).build({ entryPoints: [input], outfile, bundle: true, platform: 'node',
      target: 'node20', format: 'esm', external: ['koffi'] });`,
  },
  'esbuild, CommonJS': {
    extension: 'cjs',
    build: `await (await import('esbuild')).build({ entryPoints: [input], outfile, bundle: true, platform: 'node',
      target: 'node20', format: 'cjs', external: ['koffi'] });`,
  },
  'Rollup, ES module': { extension: 'mjs', build: rollup('es') },
  'Rollup, CommonJS': { extension: 'cjs', build: rollup('cjs') },
  Vite: {
    extension: 'mjs',
    build: `await (await import('vite')).build({ configFile: false, logLevel: 'error',
      build: { ssr: input, outDir: dir, emptyOutDir: false, rollupOptions: { external: ['koffi'], output: { entryFileNames: file } } },
      ssr: { noExternal: ['pool-ts', '@noble/ciphers'], external: ['koffi'] } });`,
  },
  webpack: {
    extension: 'cjs',
    build: `await new Promise((done, failed) => webpack({ target: 'node20', mode: 'production', context: process.cwd(),
      entry: input, output: { path: dir, filename: file }, externals: { koffi: 'commonjs koffi' } },
      (error, stats) => error || stats.hasErrors() ? failed(error ?? new Error(stats.toString())) : done()));`,
  },
};

function rollup(format: string): string {
  return `const { nodeResolve } = await import('@rollup/plugin-node-resolve');
    const { default: commonjs } = await import('@rollup/plugin-commonjs');
    const bundle = await (await import('rollup')).rollup({ input, external: ['koffi', /^node:/],
      plugins: [nodeResolve({ preferBuiltins: true }), commonjs()] });
    await bundle.write({ dir, format: '${format}', entryFileNames: file, chunkFileNames: '[hash]-' + file });`;
}

const mountable = fuse();

describe.skipIf(registry().missing)('a program that a bundler made', () => {
  let user: UserProject;
  beforeAll(() => {
    const rollupPlugins = ['@rollup/plugin-node-resolve@16', '@rollup/plugin-commonjs@29'];
    user = userProject('bundlers', 'esbuild@0.27', 'rollup@4', ...rollupPlugins, 'vite@8', 'webpack@5');
    for (const [name, text] of Object.entries({ app, device, alone })) user.write(`${name}.js`, text);
  }, 600_000);
  afterAll(() => user?.remove());

  /** Builds a program, and says where it is. */
  function built(bundler: string, program: string): string {
    const { extension, build } = BUNDLERS[bundler]!;
    const folder = `out/${bundler.replaceAll(/\W+/g, '-')}`;
    const file = `${program}.${extension}`;
    const script = `build-${program}.mjs`;
    user.write(
      script,
      `import { join } from 'node:path';
       const file = '${file}', dir = join(process.cwd(), '${folder}'), outfile = join(dir, file), input = './${program}.js';
       ${bundler === 'webpack' ? "const { default: webpack } = await import('webpack');" : ''}
       ${build}`,
    );
    const { status, out } = user.node(script);
    expect(status, out).toBe(0);
    return `${folder}/${file}`;
  }

  const last = (out: string): unknown => JSON.parse(out.trim().split('\n').at(-1)!);

  describe.each(Object.keys(BUNDLERS))('%s', (bundler) => {
    it('talks on the user backend, on OpenSSL, with the structs of pool.h at hand', () => {
      const { status, out } = user.node(built(bundler, 'app'));
      expect(status, out).toBe(0);
      expect(last(out)).toEqual([WORDS, 'openssl', 'function']);
    }, 300_000);

    it.skipIf(mountable.missing)(
      'serves a device, and talks through it',
      () => {
        const { status, out } = user.node(built(bundler, 'device'));
        expect(status, out).toBe(0);
        expect(last(out)).toEqual([WORDS, 'kernel']);
      },
      300_000,
    );
  });

  // Last of all, since it takes what is installed away.
  it('says what is missing where it runs alone', () => {
    const program = built('esbuild, CommonJS', 'alone');
    rmSync(join(user.path, 'node_modules'), { recursive: true });
    const { status, out } = user.node(program);
    expect(status, out).toBe(0);
    expect(out).toMatch(/^ENOTSUP .*needs the package ref-struct-di.*a bundler made this program.*external/);
  }, 300_000);
});
