/** What the program's thread, the device's thread and the copying threads say to each other. */
import { messageOf, PoolError } from '../base/errors.js';
import type { CheckedOptions } from './options.js';

/** An error on its way between threads, which keep no classes. */
export interface ErrorMessage {
  code: string;
  message: string;
  errno?: number | undefined;
  syscall?: string | undefined;
}

/** workerData of the device's thread. */
export interface DeviceRole {
  role: 'pool-ts device';
  path: string;
  source: string;
  options: CheckedOptions;
  workerFile: string;
  /** Of its MountGate. */
  gate: SharedArrayBuffer;
  /** Of the LoadGate that it and its copying threads load koffi through. */
  loads: SharedArrayBuffer;
  /** Of the RunningCopies of it and of them. */
  running: SharedArrayBuffer;
}

/** workerData of a copying thread. */
export interface CopyRole {
  role: 'pool-ts copy';
  shared: SharedArrayBuffer;
  /** As the device's. */
  loads: SharedArrayBuffer;
  running: SharedArrayBuffer;
}

/** workerData. */
export type WorkerRole = DeviceRole | CopyRole;

/** From the device's thread. `fd` belongs to the process: whoever outlives the other closes it. */
export type DeviceMessage =
  | { type: 'mounted'; path: string; fd: number }
  | { type: 'failed'; error: ErrorMessage }
  | { type: 'warning'; code: string; text: string }
  | { type: 'closed'; error?: ErrorMessage };

/** To the device's thread. */
export type DeviceCommand = { type: 'close' } | { type: 'let go' };

/** From a copying thread. */
export type CopyMessage = 'ready' | 'done';

export function toErrorMessage(error: unknown): ErrorMessage {
  if (error instanceof PoolError) {
    return { code: error.code, message: error.message, errno: error.errno, syscall: error.syscall };
  }
  return { code: 'EIO', message: `serve pool device: ${messageOf(error)}` };
}

export function fromMessage({ code, message, errno, syscall }: ErrorMessage): PoolError {
  return new PoolError(code, message, { errno, syscall });
}
