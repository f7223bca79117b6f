/** `pool-ts device [path]`: serves a device until it is told to stop. */
import { parseArgs } from 'node:util';
import { PoolError } from '../errors.js';
import type { PoolDeviceOptions } from './options.js';
import { PoolDevice } from './pool-device.js';

export const DEVICE_USAGE = `pool-ts device [path] [options]

Serves a POOL node in user space as a device file, for programs written for /dev/pool.
The path defaults to /dev/pool for root, to $XDG_RUNTIME_DIR/pool for others. Ctrl-C ends it.

  --host <address>     listen on this address only
  --mode <octal>       permissions of the file (default 600)
  --allow-other        let other users in, as far as the mode lets them
  --strict-module      behave as the kernel module does, also where that is unkind`;

/** What the command needs of the process. */
export interface CommandEnvironment {
  print(line: string): void;
  /** Calls back at the first of these signals. */
  onSignal(signals: readonly NodeJS.Signals[], callback: () => void): void;
}

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const processEnvironment: CommandEnvironment = {
  print: (line) => console.log(line),
  onSignal: (signals, callback) => signals.forEach((signal) => process.once(signal, callback)),
};

/** Settles when the device has ended; rejects with the PoolError that kept it from starting, or that ended it. */
export async function deviceCommand(
  args: readonly string[],
  environment: CommandEnvironment = processEnvironment,
): Promise<void> {
  const { path, options } = parseDeviceArguments(args);
  let device: PoolDevice | null = null;
  let stopped = false;
  // From the start: a signal that came between mount and handler would leave the mount behind.
  environment.onSignal(STOP_SIGNALS, () => {
    stopped = true;
    void device?.close();
  });
  device = await PoolDevice.serve(path, options);
  if (stopped) await device.close();
  else environment.print(`serving ${device.path}`);
  const { error } = await device.closed;
  if (error !== undefined) throw error;
}

/** Throws ERR_INVALID_ARG_VALUE for arguments that say nothing. */
export function parseDeviceArguments(args: readonly string[]): {
  path: string | undefined;
  options: PoolDeviceOptions;
} {
  const { values, positionals } = parse(args);
  if (positionals.length > 1) throw new PoolError('ERR_INVALID_ARG_VALUE', 'device takes one path');
  const options: PoolDeviceOptions = {
    strictModule: values['strict-module'] ?? false,
    allowOther: values['allow-other'] ?? false,
  };
  if (values.host !== undefined) options.host = values.host;
  if (values.mode !== undefined) options.mode = parseMode(values.mode);
  return { path: positionals[0], options };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        host: { type: 'string' },
        mode: { type: 'string' },
        'allow-other': { type: 'boolean' },
        'strict-module': { type: 'boolean' },
      },
    });
  } catch (cause) {
    throw new PoolError('ERR_INVALID_ARG_VALUE', `device: ${(cause as Error).message}`, { cause });
  }
}

function parseMode(text: string): number {
  if (/^0?[0-7]{1,3}$/.test(text)) return parseInt(text, 8);
  throw new PoolError('ERR_INVALID_ARG_VALUE', `device: --mode must be octal, as 660, and is ${text}`);
}
