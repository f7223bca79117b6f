/**
 * CLOSE_SESS on one device: which calls on a slot wait for each other, and on the module what has to be true before it is
 * made (kernel contract, hazards 2 and 12).
 */
import { CLOSE_ABORT } from '../abi/constants.js';
import type { ProcFiles } from './kernel-thread.js';
import { receiverThread } from './receiver-thread.js';
import { closeSession } from '../requests.js';
import { giveUpTurn, type CloseSlotRequest } from './close-slot.js';
import { Closings } from './closings.js';
import type { ThreadRequest } from '../threads/thread-request.js';
import type { SessionToClose } from '../types.js';

/** ms that a closing waits for its turn among those of the machine (hazard 2). */
const TURN_MS = 5000;
/** ms after which a CLOSE_SESS that has not returned gives up the machine's turn: it may hang for ever (hazard 12). */
const LEASE_MS = 2000;

/** The device that is open as `fd`. */
export interface ClosersDevice {
  path: string;
  /** What tells this device from others, whatever the path. */
  identity: string;
  isCharacterDevice: boolean;
  /** Where kernel threads are looked for; the machine's /proc by default. */
  proc?: ProcFiles | undefined;
}

/** A session to close, and how. */
export interface SessionClosing extends SessionToClose {
  onCall?: (() => void) | undefined;
  /** ms to wait for the machine's turn. */
  patience?: number;
}

export class CloseRequests {
  readonly #device: ClosersDevice;
  readonly #closings = new Closings();

  constructor(device: ClosersDevice) {
    this.#device = device;
  }

  /** One SEND at a time on a slot, and no CLOSE_SESS meanwhile (hazard 12): they share this key. */
  slotKey(index: number): string {
    return `${this.#device.identity} slot ${index}`;
  }

  /** All closings on the module share this one: they are made one after another (hazard 2). */
  get turnKey(): string {
    return `${this.#device.identity} closing`;
  }

  /** @throws PoolError ESRCH on the module, where the session's receiver thread isn't seen */
  request(fd: number, closing: SessionClosing): ThreadRequest<void> {
    const { path, isCharacterDevice, proc } = this.#device;
    const { index, abort = false, thread } = closing;
    if (isCharacterDevice)
      return this.#onModule(fd, { ...closing, thread: thread ?? receiverThread(path, index, proc) });
    const [key, argument] = abort ? [undefined, index + CLOSE_ABORT] : [this.slotKey(index), index];
    return closeSession(fd, key, argument, thread);
  }

  #onModule(fd: number, closing: SessionClosing & Pick<CloseSlotRequest, 'thread'>): ThreadRequest<void> {
    const { index, thread, sessionId, pair = false, patience = TURN_MS, onCall } = closing;
    const session = sessionId === undefined ? null : Buffer.from(sessionId).toString('hex');
    const call: CloseSlotRequest = {
      kind: 'close-slot',
      fd,
      index,
      session,
      thread,
      pair,
      patience,
      // What these are when a thread takes the call, is filled in then.
      closed: [],
      closing: [],
    };
    return {
      threads: 'close',
      call,
      keys: [this.slotKey(index), this.turnKey],
      fill: (memory) => void Object.assign(call, this.#closings.begin(memory)),
      take: (memory) => this.#closings.closed(memory),
      late: (memory) => this.#closings.closed(memory),
      called: onCall,
      lease: { key: this.turnKey, ms: LEASE_MS, over: (memory, libc) => giveUpTurn(memory, libc, fd) },
    };
  }
}
