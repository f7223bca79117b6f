/** What a device can be told, checked before anything is done. */
import { isIP } from 'node:net';
import { join } from 'node:path';
import { PoolError } from '../base/errors.js';

/** Options of {@link PoolDevice.serve}. */
export interface PoolDeviceOptions {
  /**
   * Reproduce the kernel module where that is safe: a peer's CLOSE discards what is still queued; a RECV that waits is
   * not woken by it; accepted sessions show `::`, port 0, family 0, or what their slot last dialled; LISTEN of a second
   * port gives 0 and opens nothing; messages over 65511 bytes break a session on a slot that was never used; an
   * interrupted SEND makes later ones vanish. What harms the machine or never ends is not reproduced. Default false.
   */
  strictModule?: boolean;
  /** The numeric address that LISTEN listens on. Default '': every address, both families. */
  host?: string;
  /** Permissions of the file, as chmod has them. Default 0o600. */
  mode?: number;
  /** Let users other than the one who serves (and root) use the device, as far as `mode` lets them. Default false. */
  allowOther?: boolean;
  /**
   * A folder for the texts that the module shows under /proc/pool (`status`, `sessions`, `telemetry`, `journal`): plain
   * files with the permissions of the device, up to date to the second, taken away at the end. Made where it is missing.
   * Default: none.
   */
  proc?: string;
  /** Where the package's dist/pooldev/worker.js is, for programs that a bundler moved away from it. */
  worker?: string | URL;
}

export interface CheckedOptions {
  strictModule: boolean;
  host: string;
  mode: number;
  allowOther: boolean;
  proc: string | null;
}

/** `/dev/pool` for root, `$XDG_RUNTIME_DIR/pool` for anybody else. */
export function defaultDevicePath(
  uid = process.geteuid?.(),
  runtimeDir: string | undefined = process.env['XDG_RUNTIME_DIR'],
): string {
  if (uid === 0) return '/dev/pool';
  if (runtimeDir !== undefined && runtimeDir !== '') return join(runtimeDir, 'pool');
  throw new PoolError(
    'ERR_INVALID_ARG_VALUE',
    'serve pool device: XDG_RUNTIME_DIR is not set: name a path for the device',
  );
}

export function checkOptions(options: PoolDeviceOptions): CheckedOptions {
  const { strictModule = false, host = '', mode = 0o600, allowOther = false, proc } = options;
  requireType('strictModule', strictModule, 'boolean');
  requireType('allowOther', allowOther, 'boolean');
  requireType('host', host, 'string');
  requireType('mode', mode, 'number');
  if (proc !== undefined) checkFileName('proc', proc, 'a folder');
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o777) {
    throw new PoolError('ERR_OUT_OF_RANGE', `serve pool device: mode must be 0 to 0o777, and is ${mode}`);
  }
  if (host !== '' && isIP(host) === 0) {
    throw new PoolError(
      'ERR_POOL_INVALID_ADDRESS',
      `serve pool device: host must be a numeric address, and is ${host}`,
    );
  }
  return { strictModule, host, mode, allowOther, proc: proc ?? null };
}

/** What is odd about the options together, or null. */
export function modeWarning({ mode, allowOther }: Pick<CheckedOptions, 'mode' | 'allowOther'>): string | null {
  if ((mode & 0o077) === 0 || allowOther) return null;
  const octal = mode.toString(8).padStart(3, '0');
  return `mode ${octal} lets nobody in but the user who serves, and root: the kernel lets other users only where allowOther (--allow-other) is set`;
}

export function checkPath(path: unknown): string {
  return checkFileName('path', path, 'a file');
}

function checkFileName(name: string, value: unknown, what: string): string {
  requireType(name, value, 'string');
  const text = value as string;
  if (text === '' || text.includes('\0')) {
    throw new PoolError('ERR_INVALID_ARG_VALUE', `serve pool device: ${name} must be the name of ${what}`);
  }
  return text;
}

function requireType(name: string, value: unknown, type: 'boolean' | 'string' | 'number'): void {
  if (typeof value === type) return;
  throw new PoolError('ERR_INVALID_ARG_TYPE', `serve pool device: ${name} must be a ${type}, and is a ${typeof value}`);
}
