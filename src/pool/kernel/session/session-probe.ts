/**
 * By which signs a session is judged. The module's own device is a character device and is judged by its kernel threads;
 * a device file served from user space (FUSE, a regular file) has none, and none of the hazards that need them.
 */
import type { KernelThread } from '../../../poolioc/types.js';
import type { KernelClock } from '../calls/kernel-clock.js';
import type { ReceiverThreads } from './thread-lookup.js';
import { HANDSHAKE_PACKETS, keyOf, type SessionRecord } from '../table/table-row.js';

/**
 * Whether CLOSE_SESS is safe, and if not, why. `thread` is to go with the call: a worker thread makes it, some time later,
 * and looks again.
 */
export type CloseVerdict =
  | { safe: true; thread: KernelThread | undefined }
  | { safe: false; why: 'thread-gone' | 'threads-invisible' };

/** Looks that say they throw do so where /proc can't be read at the moment, from which nothing follows. */
export interface SessionProbe {
  /** The module itself: its hazards are to be expected. */
  readonly module: boolean;
  /** Called once before some sessions are judged by `established`. Throws. */
  prepare(records: readonly SessionRecord[]): void;
  /** Whether `established` tells the living from the dead, as of the last `prepare`: where threads are seen. */
  readonly livesSeen: boolean;
  /** Kernel contract, section 3: ESTABLISHED is shown before the handshake is done. Throws. */
  established(record: SessionRecord): boolean;
  /** Proof that nothing more will arrive on a slot that is still shown as ESTABLISHED (hazard 5). */
  receiverGone(index: number): boolean;
  /** To be asked before CLOSE_SESS (hazard 2). Throws. */
  mayClose(index: number): CloseVerdict;
}

/**
 * A handshake takes milliseconds: for so long a new session's thread is looked for at every look at the table, among those that
 * began since the last one...
 */
const YOUNG_MS = 2000;
/** ...and so seldom afterwards, because dead slots stay in the table for ever. */
const RESCAN_MS = 1000;
/** Among all threads, a hundred files and more, they are looked for so seldom: only a pid that came round again needs that. */
const SCAN_ALL_MS = 30_000;

export class ModuleProbe implements SessionProbe {
  readonly module = true;
  readonly #threads: ReceiverThreads;
  readonly #clock: KernelClock;
  #visible = false;
  #scanned = -Infinity;
  #scannedAll = -Infinity;
  /** When each session without a thread was first seen. */
  #suspects = new Map<string, number>();

  constructor(threads: ReceiverThreads, clock: KernelClock) {
    this.#threads = threads;
    this.#clock = clock;
  }

  get livesSeen(): boolean {
    return this.#visible;
  }

  prepare(records: readonly SessionRecord[]): void {
    this.#visible = this.#threads.visible();
    if (!this.#visible) return;
    const now = this.#clock.now();
    const missing = records.filter(({ index }) => !this.#threads.known(index)).map(keyOf);
    this.#suspects = new Map(missing.map((key) => [key, this.#suspects.get(key) ?? now]));
    const young = [...this.#suspects.values()].some((since) => now - since < YOUNG_MS);
    if (missing.length === 0 || !(young || now - this.#scanned >= RESCAN_MS)) return;
    if (now - this.#scannedAll < SCAN_ALL_MS) this.#threads.scanNew();
    else {
      this.#threads.scan();
      this.#scannedAll = now;
    }
    this.#scanned = now;
  }

  established(record: SessionRecord): boolean {
    // The thread alone may be the next session's, where this one's handshake failed since the table was read.
    if (record.state !== 'ESTABLISHED' || record.packetsRecv < HANDSHAKE_PACKETS) return false;
    return !this.#visible || this.#threads.known(record.index);
  }

  // Kernel contract, hazard 5: an ESTABLISHED session without its thread is dead. Invisible threads prove nothing.
  receiverGone(index: number): boolean {
    try {
      return this.#threads.running(index) === false;
    } catch {
      return false;
    }
  }

  // Kernel contract, hazard 2: without the thread CLOSE_SESS crashes the machine; where it can't be seen, it might.
  mayClose(index: number): CloseVerdict {
    const running = this.#threads.running(index);
    if (running === null) return { safe: false, why: 'threads-invisible' };
    return running ? { safe: true, thread: this.#threads.found(index) } : { safe: false, why: 'thread-gone' };
  }
}

/** A device served from user space hands out a session when its handshake is done, and closes any slot safely. */
export const servedProbe: SessionProbe = {
  module: false,
  livesSeen: true,
  prepare() {},
  established: (record) => record.state === 'ESTABLISHED',
  receiverGone: () => false,
  mayClose: () => ({ safe: true, thread: undefined }),
};
