/** What the README says to type in each package manager, typed: the tarball in the place of the name. No script is run for it. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { note, registry } from '../require.js';
import { root, type UserProject, userProject } from './user-project.js';

interface Manager {
  name: string;
  /** What stands in the README before the name of the package. */
  tool: 'npm' | 'pnpm' | 'yarn' | 'bun';
  /** The packages that are the manager. */
  packages: string[];
  /** Below node_modules, after Node where it is JavaScript. */
  program: string[];
  /** Files of the project that it wants. */
  files?: Record<string, string>;
  /** Where it takes a path for something else. */
  wanted?: (tarball: string) => string;
}

const MANAGERS: Manager[] = [
  { name: 'npm 11', tool: 'npm', packages: ['npm@11'], program: [process.execPath, 'npm/bin/npm-cli.js'] },
  { name: 'pnpm 12', tool: 'pnpm', packages: ['pnpm@12'], program: [process.execPath, 'pnpm/bin/pnpm.mjs'] },
  { name: 'yarn 1', tool: 'yarn', packages: ['yarn@1'], program: [process.execPath, 'yarn/bin/yarn.js'] },
  {
    name: 'yarn 4',
    tool: 'yarn',
    packages: ['@yarnpkg/cli-dist@4'],
    program: [process.execPath, '@yarnpkg/cli-dist/bin/yarn.js'],
    files: { '.yarnrc.yml': 'nodeLinker: node-modules\nenableTelemetry: false\n', 'yarn.lock': '' },
    wanted: (tarball) => `pool-ts@file:${tarball}`,
  },
  { name: 'Bun', tool: 'bun', packages: ['@oven/bun-linux-x64@1'], program: ['@oven/bun-linux-x64/bin/bun'] },
];

const TALK = `
const pool = require('pool-ts');
(async () => {
  const listener = await pool.listen('127.0.0.1:0', { backend: 'user' });
  const [server, client] = await Promise.all([listener.accept(), pool.dial(listener.addr, { backend: 'user' })]);
  await client.writeMessage('hello POOL');
  console.log(await server.readText());
  await client.close();
  await server.close();
  await listener.close();
})();
`;

const readme = readFileSync(join(root, 'README.md'), 'utf8');

describe.skipIf(registry().missing || process.platform !== 'linux' || process.arch !== 'x64')('installed with', () => {
  let tools: UserProject;
  let scratch = '';
  beforeAll(() => {
    tools = userProject('managers', ...MANAGERS.flatMap(({ packages }) => packages));
    scratch = mkdtempSync(join(tmpdir(), 'pool-ts-installs-'));
  }, 600_000);
  afterAll(() => {
    tools.remove();
    rmSync(scratch, { recursive: true, force: true });
  });

  it.each(MANAGERS)(
    '$name, as the README says',
    ({ name, tool, program, files = {}, wanted }) => {
      const line = new RegExp(`^${tool} (.*)\\bpool-ts$`, 'm').exec(readme);
      expect(line, `the README has a line for ${tool}`).not.toBeNull();
      const folder = join(scratch, name.replace(' ', ''));
      mkdirSync(folder);
      writeFileSync(join(folder, 'package.json'), '{"name":"user","private":true}');
      writeFileSync(join(folder, 'talk.cjs'), TALK);
      for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
      const [command = '', ...args] = program.map((part) =>
        part.startsWith('/') ? part : join(tools.path, 'node_modules', part),
      );
      const typed = line![1]!.trim().split(' ');
      // Caches of its own: nothing of the machine's is used or changed.
      const env = { ...process.env, NODE_OPTIONS: '', HOME: scratch, XDG_DATA_HOME: scratch, XDG_CACHE_HOME: scratch };
      const all = [...args, ...typed, wanted?.(tools.tarball) ?? tools.tarball];
      const installed = spawnSync(command, all, { cwd: folder, env, encoding: 'utf8', timeout: 280_000 });
      expect(installed.status, `${installed.stdout}${installed.stderr}`).toBe(0);
      const talked = spawnSync(process.execPath, ['talk.cjs'], { cwd: folder, env, encoding: 'utf8', timeout: 60_000 });
      expect(talked.stdout, talked.stderr).toBe('hello POOL\n');
      note(`installed with ${name}: ${tool} ${typed.join(' ')}`);
    },
    300_000,
  );

  it('npm with its scripts on, where ref-napi has no binary and nothing compiles', () => {
    const folder = join(scratch, 'no-binary');
    const bin = join(folder, 'bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{"name":"user","private":true}');
    writeFileSync(join(folder, 'talk.cjs'), TALK);
    symlinkSync(process.execPath, join(bin, 'node'));
    symlinkSync('/bin/sh', join(bin, 'sh'));
    const npm = join(tools.path, 'node_modules/npm/bin/npm-cli.js');
    // ref-napi's install script looks for a binary of this machine, which it has none for; koffi's has none to look for.
    const env = { HOME: scratch, PATH: bin, npm_config_arch: 'loong64', npm_config_ignore_scripts: 'false' };
    const began = performance.now();
    const installed = spawnSync(process.execPath, [npm, 'install', tools.tarball], {
      cwd: folder,
      env,
      encoding: 'utf8',
    });
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    expect(installed.status, installed.stderr).toBe(0);
    expect(`${installed.stdout}${installed.stderr}`).not.toMatch(/gyp|error/i);
    expect(existsSync(join(folder, 'node_modules/ref-napi'))).toBe(false);
    const layout = `const { refModule, structs } = require('pool-ts/poolioc'); console.log(refModule, structs.SessionInfo.size);`;
    writeFileSync(join(folder, 'layout.cjs'), layout);
    for (const [program, printed] of [
      ['talk.cjs', 'hello POOL\n'],
      ['layout.cjs', 'typescript 120\n'],
    ] as const) {
      const ran = spawnSync(process.execPath, [program], { cwd: folder, env, encoding: 'utf8', timeout: 60_000 });
      expect(ran.stdout, ran.stderr).toBe(printed);
    }
    note(`installed with npm 11, scripts on, no binary of ref-napi, no compiler: exit 0 in ${seconds} s, without it`);
  }, 300_000);
});
