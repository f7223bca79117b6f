/**
 * Whether the module's thread `pool_rx_<index>` lives: the one sign that a session is real and that closing it doesn't
 * crash the machine (kernel contract, section 3 and hazard 2).
 */
import {
  isKernelThread,
  type KernelThread,
  kernelThreadPids,
  kernelThreadsVisible,
  type ProcFiles,
} from '../../../poolioc/closing/kernel-thread.js';

/** Its looks throw where /proc can't be read at the moment, as for want of descriptors. */
export class ReceiverThreads {
  readonly #proc: ProcFiles;
  /** Pids by slot. A remembered pid makes a check one read; it is only believed after that read. */
  #pids: ReadonlyMap<number, number> = new Map();
  /** Kernel threads that the last scan found to be others. */
  #others: ReadonlySet<number> = new Set();

  constructor(proc: ProcFiles) {
    this.#proc = proc;
  }

  /** Whether this /proc shows kernel threads; in a container and under hidepid it doesn't, and absence proves nothing. */
  visible(): boolean {
    return kernelThreadsVisible(this.#proc);
  }

  /** Looks now. Null where threads can't be seen. */
  running(index: number): boolean | null {
    const pid = this.#pids.get(index);
    if (pid !== undefined && this.#isReceiver(pid, index)) return true;
    if (!this.visible()) return null;
    this.#scan({ all: true });
    return this.#pids.has(index);
  }

  /** The thread that the last look found, for a look right before a call. */
  found(index: number): KernelThread | undefined {
    const pid = this.#pids.get(index);
    return pid === undefined ? undefined : { pid, name: nameOf(index) };
  }

  /** As `running`, but believes the last scan where it found nothing: a look that costs one read at most. */
  known(index: number): boolean {
    const pid = this.#pids.get(index);
    return pid !== undefined && this.#isReceiver(pid, index);
  }

  /** Finds the threads of all slots at once. */
  scan(): void {
    if (this.visible()) this.#scan({ all: true });
  }

  /** Finds those that began since the last scan: a few reads, where a machine has a hundred kernel threads and more. */
  scanNew(): void {
    if (this.visible()) this.#scan({ all: false });
  }

  #scan({ all }: { all: boolean }): void {
    // Kept where a look throws.
    const pids = new Map(all ? [] : this.#pids);
    const known = new Set(pids.values());
    const others = new Set<number>();
    for (const pid of kernelThreadPids(this.#proc)) {
      if (!all && known.has(pid)) continue;
      if (!all && this.#others.has(pid)) {
        others.add(pid);
        continue;
      }
      const comm = this.#proc.read(`${pid}/comm`)?.trim() ?? UNNAMED;
      const index = /^pool_rx_(\d+)$/.exec(comm)?.[1];
      if (index === undefined) {
        if (comm !== UNNAMED) others.add(pid);
      } else if (this.#isReceiver(pid, Number(index))) pids.set(Number(index), pid);
    }
    this.#pids = pids;
    this.#others = others;
  }

  #isReceiver(pid: number, index: number): boolean {
    return isKernelThread(this.#proc.read(`${pid}/stat`), nameOf(index));
  }
}

/** A kernel thread's name until its creator has named it. */
const UNNAMED = 'kthreadd';

function nameOf(index: number): string {
  return `pool_rx_${index}`;
}
