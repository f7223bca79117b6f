/** Opening a session's rings: memory and sockets of this process, which a device is asked to use. */
import { isMainThread } from 'node:worker_threads';
import { systemError } from '../../base/errno.js';
import { PoolError } from '../../base/errors.js';
import type { Descriptor } from '../descriptor.js';
import { callError, closedError } from '../device-errors.js';
import { programCallback } from '../program-callback.js';
import * as requests from '../requests.js';
import type { RingsOptions, SessionRings } from '../types.js';
import { loadRingLibc, type RingLibc } from './ring-libc.js';
import { SEGMENT_BYTES } from './segment.js';
import { ProgramRings } from './session-rings.js';

/** What a device gives that has no rings for this process, whatever the session. */
const NEVER = new Set(['EINVAL', 'ENOTTY', 'EPERM', 'ENOSYS', 'ENOTSUP']);

/**
 * Where descriptors can be watched: libuv is Node's, and koffi aborts a process whose worker is ended while its descriptor is
 * watched there.
 */
const CAN_WATCH = isMainThread && !('bun' in process.versions) && !('deno' in process.versions);

export interface RingsOpenerOptions {
  load?: (() => Promise<RingLibc>) | undefined;
  canWatch?: boolean | undefined;
}

/** Opens rings of the sessions of one device, and ends them with it. */
export class RingsOpener {
  readonly #descriptor: Descriptor;
  readonly #load: () => Promise<RingLibc>;
  readonly #open = new Set<ProgramRings>();
  /** False from when the device is known to have none. */
  #possible: boolean;

  constructor(descriptor: Descriptor, { load = loadRingLibc, canWatch = CAN_WATCH }: RingsOpenerOptions = {}) {
    this.#descriptor = descriptor;
    this.#load = load;
    this.#possible = canWatch;
  }

  /** See `PoolDevice.sessionRings`. */
  async open(session: number, sessionId: Uint8Array, options: RingsOptions): Promise<SessionRings | null> {
    if (!this.#possible) return null;
    try {
      return await this.#make(session, sessionId, options);
    } catch (error) {
      if (!(error instanceof PoolError) || error.code === 'ERR_POOL_CLOSED') throw error;
      // Whatever the reason, there are SEND and RECV.
      if (NEVER.has(error.code)) this.#possible = false;
      return null;
    }
  }

  /** The device is closed. */
  close(): void {
    for (const rings of [...this.#open]) {
      rings.fail(closedError('use the rings of a session', this.#descriptor.path));
      rings.close();
    }
  }

  async #make(session: number, sessionId: Uint8Array, options: RingsOptions): Promise<SessionRings> {
    const libc = await this.#load();
    const { path } = this.#descriptor;
    const operation = `open rings of session ${session}`;
    const file = libc.memory(SEGMENT_BYTES);
    if (file < 0) throw systemError(-file, 'memfd_create', `${operation} on ${path}: no memory to share can be had`);
    let sockets: [own: number, theirs: number] | null = null;
    let kept = false;
    try {
      const [socket, theirs] = (sockets = libc.pair());
      await this.#descriptor.make({ operation }, {}, (fd) =>
        requests.openRings(fd, { sessionIdx: session, sessionId }, { memory: file, socket: theirs }),
      );
      // Not before the device has taken it: it would stay mapped until the next collection.
      const memory = libc.map(file, SEGMENT_BYTES);
      if (memory === null) throw new PoolError('ENOMEM', `${operation} on ${path}: its memory can't be mapped`);
      const errorOf = (call: 'receive' | 'send', errno: number): PoolError => {
        const what = `${call === 'send' ? 'send to' : 'receive from'} session ${session}`;
        return callError({ operation: what, path, syscall: 'ioctl', errno });
      };
      const closed = (): void => void this.#open.delete(rings);
      const told: RingsOptions = {
        message: programCallback(options.message, true),
        room: programCallback(options.room, undefined),
        refused: programCallback(options.refused, undefined),
        ended: programCallback(options.ended, undefined),
      };
      const rings: ProgramRings = new ProgramRings({ ...told, libc, memory, socket, errorOf, closed });
      kept = true;
      this.#open.add(rings);
      if (!this.#descriptor.isOpen) this.close();
      return rings;
    } finally {
      // The device has descriptors of its own by now.
      libc.close(file);
      if (sockets !== null) libc.close(sockets[1]);
      if (sockets !== null && !kept) libc.close(sockets[0]);
    }
  }
}
