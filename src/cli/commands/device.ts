/** `pool-ts device [path]`: serves a POOL node as a device file until it is told to stop. */
import { Command, InvalidArgumentError } from 'commander';
import { onAbort } from '../../base/abort.js';
import type { PoolDeviceOptions } from '../../pooldev/index.js';
import { CliError, lineOf } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';
import { print, type Terminal } from '../terminal.js';

interface DeviceFlags {
  host?: string;
  mode?: number;
  allowOther?: boolean;
  strictModule?: boolean;
  proc?: string;
}

const EXAMPLES = `
Examples:
  pool-ts device                     serve /dev/pool (root), or $XDG_RUNTIME_DIR/pool (others), until ^C
  pool-ts device /tmp/pool           another path; programs find it with POOL_DEVICE=/tmp/pool
  pool-ts device --host 127.0.0.1    what programs LISTEN on is reached from this machine only
  pool-ts device --mode 660 --allow-other
  pool-ts device --proc /run/pool    cat /run/pool/status: what the module shows as /proc/pool/status`;

export function deviceCommand(terminal: Terminal): Command {
  return new Command('device')
    .description('serve a POOL node in user space as a device file, for programs written for /dev/pool')
    .argument('[path]', 'where the file appears')
    .option('--host <address>', 'listen on this address only')
    .option('--mode <octal>', 'permissions of the file (default: 600)', octal)
    .option('--allow-other', 'let other users in, as far as the mode lets them')
    .option('--proc <dir>', 'keep the texts of /proc/pool in this folder')
    .option('--strict-module', 'behave as the kernel module does, also where that is unkind')
    .addHelpText('after', EXAMPLES)
    .action((path: string | undefined, flags: DeviceFlags) => run(terminal, path, flags));
}

async function run(terminal: Terminal, path: string | undefined, flags: DeviceFlags): Promise<void> {
  const { PoolDevice } = await import('../../pooldev/index.js');
  const device = await PoolDevice.serve(path, flags satisfies PoolDeviceOptions).catch((error: unknown) => {
    throw noFolder(error) ? new CliError(EXIT.CANNOT_CREATE, lineOf(error), { cause: error }) : error;
  });
  // The file is there from before serve() settled: a signal that came meanwhile has to take it away too.
  onAbort(terminal.stop, () => void device.close());
  if (!terminal.stop.aborted) await print(terminal, `serving ${device.path}`);
  terminal.endsBySignal();
  const { error } = await device.closed;
  if (error !== undefined) throw error;
}

/** For whoever dials, these codes tell of a device that is missing; here it is its folder that is. */
function noFolder(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function octal(text: string): number {
  if (/^0?[0-7]{1,3}$/.test(text)) return parseInt(text, 8);
  throw new InvalidArgumentError('It must be octal, as 660.');
}
