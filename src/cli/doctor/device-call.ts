/** One harmless request through the device, as programs make it: SESSIONS, which only reads the table. */
import { type Finding, fail, ok } from './finding.js';

/** What is asked of an open device. */
export interface SessionsDevice {
  sessions(options: { timeout: number }): Promise<readonly unknown[]>;
  close(): Promise<void>;
}

const CHECK = 'device call';

/** ms; a device whose server hangs answers never. */
const LIMIT_MS = 3000;

/** Opens /dev/pool or what stands for it. Loads koffi, so only where there is a device. */
export async function openDevice(path: string): Promise<SessionsDevice> {
  const { Device } = await import('../../poolioc/index.js');
  return Device.open(path, { timeout: LIMIT_MS });
}

export async function deviceCall(
  path: string,
  open: (path: string) => Promise<SessionsDevice> = openDevice,
): Promise<Finding> {
  try {
    const device = await open(path);
    try {
      const { length } = await device.sessions({ timeout: LIMIT_MS });
      return ok(CHECK, `SESSIONS answers: ${length === 1 ? '1 session' : `${length} sessions`} in the table`);
    } finally {
      await device.close();
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return fail(CHECK, oneLine(message), NEXT[code ?? ''] ?? 'look the code up in the guide, under troubleshooting');
  }
}

const NEXT: Readonly<Record<string, string>> = {
  ENOTTY: 'the file is no POOL device: check --device and POOL_DEVICE',
  ENOTCONN: 'the program that served the device has ended: start pool-ts device again',
  EACCES: 'get the right to read and write the device, or keep to the user backend: POOL_BACKEND=user',
  EPERM: "a container's rules or a security module forbid it: allow it, or keep to the user backend: POOL_BACKEND=user",
  ENXIO: 'the file has no driver behind it: load pool.ko',
  ENODEV: 'the file has no driver behind it: load pool.ko',
  ENOTSUP: 'install pool-ts with its dependencies, or keep to the user backend: POOL_BACKEND=user',
  ERR_POOL_ABI_MISMATCH: 'update pool-ts or the module, or keep to the user backend: POOL_BACKEND=user',
  ERR_POOL_TIMEOUT: 'the device hangs: end its server and start it again',
};

function oneLine(message: string): string {
  return message.split('\n', 1)[0] ?? '';
}
