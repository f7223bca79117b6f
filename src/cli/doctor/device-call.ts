/** One harmless request through the device, as programs make it: SESSIONS, which only reads the table. */
import { type Finding, fail, ok, warn } from './finding.js';

/** What is asked of an open device. */
export interface SessionsDevice {
  sessions(options: { timeout: number }): Promise<readonly { state: number }[]>;
  close(): Promise<void>;
}

const CHECK = 'device call';

/** ms; a device whose server hangs answers never. Starting the thread that asks takes seconds on a slow machine. */
const LIMIT_MS = 15_000;

/** Of pool.h. */
const SLOTS = 64;
const CLOSING = 5;

/** Opens /dev/pool or what stands for it. Loads koffi, so only where there is a device. */
async function openSessionsDevice(path: string): Promise<SessionsDevice> {
  const { Device } = await import('../../poolioc/index.js');
  return Device.open(path, { timeout: LIMIT_MS });
}

/** `character`: the module's own device, which no program serves. */
export async function deviceCall(
  path: string,
  character: boolean,
  open: (path: string) => Promise<SessionsDevice> = openSessionsDevice,
): Promise<Finding> {
  try {
    const device = await open(path);
    try {
      return tableOf(await device.sessions({ timeout: LIMIT_MS }), character);
    } finally {
      await device.close();
    }
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    const next = (character ? MODULE_NEXT[code] : undefined) ?? NEXT[code];
    return fail(CHECK, oneLine(message), next ?? 'look the code up in the guide, under troubleshooting');
  }
}

function tableOf(sessions: readonly { state: number }[], character: boolean): Finding {
  const { length } = sessions;
  const count = length === 1 ? '1 session' : `${length} sessions`;
  const ended = sessions.filter(({ state }) => state === CLOSING).length;
  // Kernel contract, hazard 2: the module's slots whose peer closed first.
  const leaked = character && ended > 0 ? `, ${ended} of them ended by the peer and lost until a reboot` : '';
  const says = `SESSIONS answers: ${count} in the table, of ${SLOTS}${leaked}`;
  if (length < SLOTS) return ok(CHECK, says);
  const free = 'end programs that hold sessions, or single sessions: pool-ts sessions lists and closes them';
  const next = ended > 0 && character ? `${free}; those that have ended need a reboot` : free;
  return warn(CHECK, `${says}: it is full, so dials fail (ERR_POOL_SESSION_FULL) and peers can't dial`, next);
}

const MODULE_NEXT: Readonly<Record<string, string>> = {
  ERR_POOL_TIMEOUT:
    'the machine is very busy, or the module hangs: try again, and look for "POOL" and "BUG" in the kernel log (dmesg)',
  ENOTCONN: 'the module gave an answer that it has none for: look into the kernel log (dmesg)',
};

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
