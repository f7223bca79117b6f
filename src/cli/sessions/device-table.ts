/** The session table of a device, and what to say where there is no device. */
import { DEFAULT_DEVICE } from '../../index.js';
import type { Device } from '../../poolioc/index.js';
import { CliError, lineOf, NO_DEVICE } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';

/** At open or at the first request; the last two are of a server that has ended. */
const NONE: ReadonlySet<string> = new Set([...NO_DEVICE, 'ENOTCONN', 'ECONNABORTED']);

const WHY = 'without one each program has a POOL node of its own, whose sessions no other program can see';
const WHAT_TO_DO = 'serve a device (npx pool-ts device), or watch one session (pool-ts telemetry host:port)';

/** The file that `--device` or the environment names. */
export function devicePath(flag: string | undefined, env: NodeJS.ProcessEnv): string {
  return flag ?? (env['POOL_DEVICE'] || DEFAULT_DEVICE);
}

/** Opens the device, gives it to `use`, and closes it; rejects with exit code 69 where there is none. */
export async function withDevice<T>(
  flag: string | undefined,
  env: NodeJS.ProcessEnv,
  use: (device: Device) => Promise<T>,
): Promise<T> {
  const { Device } = await import('../../poolioc/index.js');
  const path = devicePath(flag, env);
  const device = await asked(path, () => Device.open(path));
  try {
    return await asked(path, () => use(device));
  } finally {
    await device.close();
  }
}

/** Makes a request to the device; one that has gone, or that is no POOL device at all, is exit code 69. */
async function asked<T>(path: string, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (typeof code !== 'string' || !NONE.has(code)) throw error;
    throw new CliError(EXIT.UNAVAILABLE, noDevice(path, code, error), { cause: error });
  }
}

function noDevice(path: string, code: string, error: unknown): string {
  if (code === 'EISDIR') return `${path} is a folder, no POOL device, and ${WHY}: ${WHAT_TO_DO}`;
  if (code === 'ENOTTY') return `${path} is no POOL device, and ${WHY}: ${WHAT_TO_DO}`;
  if (code === 'ENOTCONN' || code === 'ECONNABORTED') {
    return `the program that served ${path} has ended; ${WHAT_TO_DO} (${code})`;
  }
  if (code === 'ENOTSUP') return `${lineOf(error)}; ${WHY}: ${WHAT_TO_DO}`;
  return `there is no POOL device at ${path}, and ${WHY}: ${WHAT_TO_DO}`;
}
