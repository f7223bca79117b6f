/** Which backend carries a dial or a listener: the kernel module where its device is, else a node in this process. */
import { stat } from 'node:fs/promises';
import { PoolError } from '../base/errors.js';
import type * as Poolnode from '../poolnode/index.js';
import type { CryptoKind } from '../poolnode/types.js';
import type { Backend } from './backend.js';
import { DEFAULT_DEVICE } from './constants.js';
import { publish } from './observe/diagnostics.js';
import { quote } from '../base/arguments.js';
import { unavailableOnModule } from './identity/authentication.js';
import { BACKEND_CHOICES, type BackendChoice } from './options.js';
import { createUserBackend } from './user-backend.js';

export interface BackendPreference {
  backend: BackendChoice | undefined;
  device: string | undefined;
  maxSessions: number | undefined;
  /** The peer must prove who it is, which the kernel module can't. */
  proves?: boolean | undefined;
}

/** What the choice depends on; tests give their own. */
export interface SelectDeps {
  env: Readonly<Record<string, string | undefined>>;
  /** Rejects with an errno name when the file isn't there or can't be looked at. */
  stat(path: string): Promise<unknown>;
  /** Loads koffi and opens the device: only once it is chosen. Keeps one backend per device and process. */
  kernelBackend(device: string): Promise<Backend>;
  /** Loads the node in user space: only once it is chosen. */
  userBackend(maxSessions: number | undefined): Backend | Promise<Backend>;
}

let poolnode: typeof Poolnode | undefined;
const loadPoolnode = async (): Promise<typeof Poolnode> => (poolnode ??= await import('../poolnode/index.js'));

const system: SelectDeps = {
  env: process.env,
  stat,
  kernelBackend: async (device) => (await import('./kernel/index.js')).createKernelBackend({ device }),
  userBackend: async (maxSessions) =>
    createUserBackend((poolnode ?? (await loadPoolnode())).processNode({ maxSessions })),
};

/** Errno names of a device that isn't there, or whose module isn't. */
const MISSING = new Set(['ENOENT', 'ENOTDIR', 'ENXIO', 'ENODEV']);

const WAY_OUT = "load the kernel module (pool.ko), or pass backend: 'user'";

/**
 * The backend that options and environment ask for. `auto` takes the kernel module when the device file exists. One that
 * exists and can't be opened is an error, never a reason to take the other: a program would change its peers' view of it,
 * and its privileges, without anybody having said so. Where the runtime's own permissions forbid to look for the usual device,
 * somebody has said so. Which one it is and why is published on `pool.backend.select`, and told by
 * NODE_DEBUG=pool-ts; nothing warns of it, since both do the same work.
 * @throws (rejects) ERR_INVALID_ARG_VALUE for POOL_BACKEND, or what the device gives: ENOENT, EACCES, ENOTTY...
 */
export async function selectBackend(wish: BackendPreference, deps: SelectDeps = system): Promise<Backend> {
  const named = wish.device ?? nonEmpty(deps.env['POOL_DEVICE']);
  const device = named ?? DEFAULT_DEVICE;
  const choice = wish.backend ?? choiceOf(deps.env['POOL_BACKEND']);
  if (choice === 'user') return user(wish, deps, device, "backend 'user' was asked for");
  const absent = choice === 'auto' ? await whyAbsent(device, named !== undefined, deps) : null;
  if (absent !== null) return user(wish, deps, device, `${absent}: a POOL node in this process does the work`);
  if (wish.proves === true) throw unavailableOnModule();
  const backend = await kernel(device, deps);
  const reason = choice === 'auto' ? `${device} exists` : "backend 'kernel' was asked for";
  publish('pool.backend.select', () => ({ backend: 'kernel', device, reason }));
  return backend;
}

/**
 * What encrypts on the user backend: OpenSSL called directly, node:crypto, or node:crypto with a cipher in JavaScript, in the
 * order of their speed. It is chosen once, here or with the first session; POOL_CRYPTO forces one.
 * @throws (rejects) ERR_FEATURE_UNAVAILABLE_ON_PLATFORM where the one that is forced can't be had here, or none;
 * ERR_INVALID_ARG_VALUE for a POOL_CRYPTO that names none
 */
export async function userCryptography(): Promise<CryptoKind> {
  return (await loadPoolnode()).cryptographyInUse();
}

async function kernel(device: string, deps: SelectDeps): Promise<Backend> {
  try {
    return await deps.kernelBackend(device);
  } catch (error) {
    throw deviceError(device, error as NodeJS.ErrnoException);
  }
}

async function user(
  { maxSessions }: BackendPreference,
  deps: SelectDeps,
  device: string,
  reason: string,
): Promise<Backend> {
  const backend = await deps.userBackend(maxSessions);
  publish('pool.backend.select', () => ({ backend: 'user', device, reason }));
  return backend;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function choiceOf(text: string | undefined): BackendChoice {
  const choice = nonEmpty(text) ?? 'auto';
  if (BACKEND_CHOICES.includes(choice as BackendChoice)) return choice as BackendChoice;
  throw new PoolError(
    'ERR_INVALID_ARG_VALUE',
    `POOL_BACKEND is one of ${BACKEND_CHOICES.join(', ')}, not ${quote(choice)}`,
  );
}

/** Why there is no device; null where there is one. */
async function whyAbsent(device: string, named: boolean, deps: SelectDeps): Promise<string | null> {
  try {
    await deps.stat(device);
    return null;
  } catch (error) {
    const { code, name } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return `${device} does not exist`;
    // Of Node under --permission; of Deno, which lets nobody look into /dev without all permissions.
    const forbidden = code === 'ERR_ACCESS_DENIED' || name === 'NotCapable';
    if (forbidden && !named) return `the permissions of this process don't let it look for ${device}`;
    throw deviceError(device, error as NodeJS.ErrnoException);
  }
}

/** Why there is no device for this program, and what to do about it. */
function deviceError(device: string, error: NodeJS.ErrnoException): PoolError {
  const { code = 'EIO', errno } = error;
  const details = { errno, syscall: error.syscall, cause: error };
  if (MISSING.has(code)) return new PoolError(code, `there is no POOL device at ${device}: ${WAY_OUT}`, details);
  if (code === 'EACCES' || code === 'EPERM') {
    const reason = `this process may not open ${device} (${code}): get the right to read and write it`;
    return new PoolError(code, `${reason}, or pass backend: 'user'`, details);
  }
  if (error instanceof PoolError) return error;
  if (code === 'ENOTCONN') {
    const reason = `the program that served ${device} has ended: start it again (npx pool-ts device ${device})`;
    return new PoolError(code, `${reason}, or pass backend: 'user'`, details);
  }
  // Not the device but what drives it: koffi has no binary for this machine, or was not installed.
  return new PoolError(code, `${device} can't be used: ${error.message}; or pass backend: 'user'`, details);
}
