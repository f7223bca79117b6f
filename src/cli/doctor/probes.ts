/** How the checks of `pool-ts doctor` look at the machine. Each takes those that it needs; tests give their own. */
import { execFile } from 'node:child_process';
import { accessSync, constants, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { codeUrl } from '../../base/code-url.js';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { type Greeted, greetPort } from './greeting.js';

/** What a name in the file system stands for, or the errno name of the attempt to look. */
export type FileKind = 'character device' | 'file' | 'other' | { code: string };

export type Loaded = null | { problem: string } | { slow: number };

export interface Probes {
  platform: string;
  arch: string;
  /** As process.version has it. */
  nodeVersion: string;
  /** Of the effective user; undefined where the system has none. */
  uid: number | undefined;
  env: Readonly<Record<string, string | undefined>>;
  /** The text of a file, one byte a character; null where it can't be read. */
  read(path: string): string | null;
  /** The names in a folder; none where it can't be read. */
  list(path: string): string[];
  /** Where a symbolic link points. */
  link(path: string): string | null;
  stat(path: string): Promise<FileKind>;
  /** Errno name where this process may not read and write the file. */
  access(path: string): Promise<string | null>;
  /** Whether a program of this name is on PATH. */
  program(name: string): boolean;
  /** Why a package can't be loaded; null where it can, `slow` where that was not known in `LOAD_MS`. */
  load(name: string): Promise<Loaded>;
  /** Errno name where this process can't listen there. The port is given back at once. */
  bind(host: string, port: number): Promise<string | null>;
  /** Who answers there. */
  greet(host: string, port: number): Promise<Greeted>;
}

/** ms for a package to load. */
const LOAD_MS = 60_000;

/** The machine itself. */
export function machineProbes(env: Probes['env']): Probes {
  return {
    platform: process.platform,
    arch: process.arch,
    nodeVersion: process.version,
    uid: process.geteuid?.(),
    env,
    read: (path) => orNull(() => readFileSync(path, 'latin1')),
    list: (path) => orNull(() => readdirSync(path)) ?? [],
    link: (path) => orNull(() => readlinkSync(path)),
    stat: (path) => stat(path).then(kindOf, codeOf),
    access: (path) =>
      access(path, constants.R_OK | constants.W_OK).then(
        () => null,
        (error) => codeOf(error).code,
      ),
    program: (name) => (env['PATH'] ?? '').split(delimiter).some((folder) => isProgram(join(folder, name))),
    load,
    bind,
    greet: greetPort,
  };
}

/** In a process of its own: a native package that does not fit this Node may end the process that loads it. */
async function load(name: string, limit = LOAD_MS): Promise<Loaded> {
  let path: string;
  try {
    path = createRequire(codeUrl).resolve(name);
  } catch {
    return { problem: 'it is not installed' };
  }
  return new Promise((settle) => {
    const args = ['-e', 'require(process.argv[1])', path];
    execFile(process.execPath, args, { timeout: limit }, (error, _stdout, stderr) => {
      if (error === null) return settle(null);
      if (error.killed === true) return settle({ slow: limit });
      const line = /^\w*Error.*$/m.exec(stderr)?.[0];
      settle({ problem: line ?? `loading it ended with ${String(error.signal ?? error.code)}` });
    });
  });
}

function bind(host: string, port: number): Promise<string | null> {
  return new Promise((settle) => {
    const server = createServer();
    server.once('error', (error) => settle(codeOf(error).code));
    server.listen({ host, port, ipv6Only: true }, () => server.close(() => settle(null)));
  });
}

function kindOf(file: Awaited<ReturnType<typeof stat>>): FileKind {
  if (file.isCharacterDevice()) return 'character device';
  return file.isFile() ? 'file' : 'other';
}

const codeOf = (error: unknown): { code: string } => ({ code: (error as NodeJS.ErrnoException).code ?? 'EIO' });

function isProgram(path: string): boolean {
  return orNull(() => accessSync(path, constants.X_OK) ?? true) ?? false;
}

function orNull<T>(look: () => T): T | null {
  try {
    return look();
  } catch {
    return null;
  }
}
