/**
 * `pool-ts sessions close INDEX`, only where it is safe: on the kernel module, CLOSE_SESS on a session whose receiver
 * thread has ended crashes the machine (kernel contract, hazard 2).
 */
import type { KernelThread, SessionInfo } from '../../poolioc/index.js';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';
import { sessionRow, type SessionRow } from './session-row.js';

/** What closing needs of a device. */
export interface ClosableTable {
  readonly path: string;
  readonly isCharacterDevice: boolean;
  sessions(): Promise<SessionInfo[]>;
  closeSession(index: number, options: { timeout: number; thread?: KernelThread | undefined }): Promise<void>;
}

/** `findKernelThread` of poolioc. */
export type FindThread = (name: string) => KernelThread | null | undefined;

/** ms that a peer has to take what was sent before. */
const TIMEOUT_MS = 10_000;

/** Closes the session in slot `index`, and resolves with what it was; rejects where there is none, or where it may not be. */
export async function closeInTable(device: ClosableTable, index: number, find: FindThread): Promise<SessionRow> {
  const info = (await device.sessions()).find((session) => session.index === index);
  if (info === undefined) {
    throw new CliError(EXIT.FAILURE, `slot ${index} of ${device.path} holds no session (pool-ts sessions lists them)`);
  }
  const row = sessionRow(info);
  const thread = device.isCharacterDevice ? receiverOf(row, device.path, find) : undefined;
  try {
    // The thread that makes the call looks once more, right before it.
    await device.closeSession(index, { timeout: TIMEOUT_MS, thread });
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === 'ESRCH') throw refused(index, device.path, GONE);
    if (code !== 'ERR_POOL_TIMEOUT') throw error;
    const text = `session ${index} of ${device.path} is not closed after ${TIMEOUT_MS / 1000} s: its peer does not read; the device may still close it`;
    throw new CliError(EXIT.TEMPORARY, text, { cause: error });
  }
  return row;
}

const GONE = 'its receiver thread has ended, and closing it then would crash the kernel; only a reboot frees the slot';
const CLOSING = 'its peer closes it, which ends its receiver thread, and closing it then would crash the kernel';
const INVISIBLE =
  "kernel threads can't be seen from here (a container, or /proc mounted with hidepid), and without its receiver thread closing it would crash the kernel";

function receiverOf({ index, state }: SessionRow, path: string, find: FindThread): KernelThread {
  // The thread may still be seen, but it is about to end.
  if (state === 'CLOSING') throw refused(index, path, CLOSING);
  const thread = find(`pool_rx_${index}`);
  if (thread === undefined) throw refused(index, path, INVISIBLE);
  if (thread === null) throw refused(index, path, GONE);
  return thread;
}

function refused(index: number, path: string, why: string): CliError {
  return new CliError(EXIT.FAILURE, `session ${index} of ${path} is left alone: ${why}`);
}
