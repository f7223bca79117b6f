/** What a device can be told, checked before anything is done. */
import { isIP } from 'node:net';
import { isAbsolute, join } from 'node:path';
import { checkPath as checkFileName, checkString, outOfRange, quote, wrongType } from '../base/arguments.js';
import { PoolError } from '../base/errors.js';
import { namesOf, refuseUnknown } from '../base/option-names.js';

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

const NAMES = namesOf<PoolDeviceOptions>({
  strictModule: true,
  host: true,
  mode: true,
  allowOther: true,
  proc: true,
  worker: true,
});

export interface CheckedOptions {
  strictModule: boolean;
  host: string;
  mode: number;
  allowOther: boolean;
  proc: string | null;
}

/** `/dev/pool` for root, `$XDG_RUNTIME_DIR/pool` for anybody else. A relative one counts for none, as the specification has it. */
export function defaultDevicePath(
  uid = process.geteuid?.(),
  runtimeDir: string | undefined = process.env['XDG_RUNTIME_DIR'],
): string {
  if (uid === 0) return '/dev/pool';
  if (runtimeDir !== undefined && isAbsolute(runtimeDir)) return join(runtimeDir, 'pool');
  throw new PoolError(
    'ERR_INVALID_ARG_VALUE',
    'serve pool device: XDG_RUNTIME_DIR is not set, or relative: name a path for the device',
  );
}

export function checkDeviceOptions(options: PoolDeviceOptions): CheckedOptions {
  refuseUnknown(options, NAMES);
  const { strictModule = false, host = '', mode = 0o600, allowOther = false, proc } = options;
  requireBoolean('strictModule', strictModule);
  requireBoolean('allowOther', allowOther);
  checkString(name('host'), host);
  if (typeof mode !== 'number') throw wrongType(name('mode'), 'a number', mode);
  if (proc !== undefined) checkFileName(name('proc'), proc);
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o777) {
    throw outOfRange(name('mode'), 'permissions from 0 to 0o777', mode);
  }
  if (host !== '' && isIP(host) === 0) {
    throw new PoolError('ERR_POOL_INVALID_ADDRESS', `${name('host')} is a numeric address, not ${quote(host)}`);
  }
  return { strictModule, host, mode, allowOther, proc: proc ?? null };
}

/** What is odd about the options together, or null. */
export function modeWarning({ mode, allowOther }: Pick<CheckedOptions, 'mode' | 'allowOther'>): string | null {
  if ((mode & 0o077) === 0 || allowOther) return null;
  const octal = mode.toString(8).padStart(3, '0');
  return `mode ${octal} lets nobody in but the user who serves, and root: the kernel lets other users only where allowOther (--allow-other) is set`;
}

export function checkDevicePath(path: unknown): string {
  return checkFileName(name('path'), path);
}

function requireBoolean(option: string, value: unknown): void {
  if (typeof value !== 'boolean') throw wrongType(name(option), 'a boolean', value);
}

/** How errors name what was passed: they may come out of a command that does more than serve. */
function name(option: string): string {
  return `serve pool device: ${option}`;
}
