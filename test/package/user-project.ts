/** A folder in which a user has installed the tarball, and what else they work with. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export interface Ran {
  status: number | null;
  /** Standard output and standard error. */
  out: string;
}

export interface UserProject {
  readonly path: string;
  /** The package as it is published. */
  readonly tarball: string;
  /** Installs packages of the registry, without their install scripts. */
  install(...packages: string[]): void;
  write(name: string, text: string): void;
  /** A file of the project, under another name. */
  copy(from: string, name: string): void;
  /** Runs a program with this Node; for two minutes at most. */
  node(...args: string[]): Ran;
  /** The same with another program, and more in the environment. */
  run(program: string, args: readonly string[], env?: NodeJS.ProcessEnv): Ran;
  remove(): void;
}

/** Packs the project as it is built, and installs the tarball with `packages`. Throws with npm's words where that fails. */
export function userProject(name: string, ...packages: string[]): UserProject {
  const scratch = mkdtempSync(join(tmpdir(), `pool-ts-${name}-`));
  const path = join(scratch, 'project');
  mkdirSync(path);
  const run = (
    command: string,
    args: readonly string[],
    cwd: string,
    timeout: number,
    more?: NodeJS.ProcessEnv,
  ): Ran => {
    const env = { ...process.env, ...more };
    const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, encoding: 'utf8', timeout });
    return { status, out: `${stdout}${stderr}${error === undefined ? '' : String(error)}` };
  };
  const npm = (args: readonly string[], cwd: string): void => {
    const { status, out } = run('npm', args, cwd, 280_000);
    if (status !== 0) throw new Error(`npm ${args.join(' ')}: ${out}`);
  };
  const install = (...wanted: string[]): void =>
    npm(['install', '--no-audit', '--no-fund', '--ignore-scripts', ...wanted], path);

  npm(['pack', '--pack-destination', scratch], root);
  const tarball = join(scratch, readdirSync(scratch).find((file) => file.endsWith('.tgz'))!);
  writeFileSync(join(path, 'package.json'), JSON.stringify({ name: 'user', private: true }));
  install(tarball, ...packages);
  return {
    path,
    tarball,
    install,
    write: (file, text) => {
      mkdirSync(dirname(join(path, file)), { recursive: true });
      writeFileSync(join(path, file), text);
    },
    copy: (from, name) => copyFileSync(from, join(path, name)),
    node: (...args) => run(process.execPath, args, path, 120_000),
    run: (program, args, env) => run(program, args, path, 120_000, env),
    remove: () => rmSync(scratch, { recursive: true, force: true }),
  };
}
