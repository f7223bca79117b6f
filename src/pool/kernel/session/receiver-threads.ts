/**
 * Whether the module's thread `pool_rx_<index>` lives: the one sign that a session is real and that closing it doesn't
 * crash the machine (kernel contract, section 3 and section 4, hazard 2).
 */
import {
  isKernelThread,
  type KernelThread,
  kernelThreadPids,
  kernelThreadsVisible,
  type ProcFiles,
} from '../../../poolioc/kernel-thread.js';

export class ReceiverThreads {
  readonly #proc: ProcFiles;
  /** Pids by slot. A remembered pid makes a check one read; it is only believed after that read. */
  readonly #pids = new Map<number, number>();

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
    this.#scan();
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
    if (this.visible()) this.#scan();
  }

  #scan(): void {
    this.#pids.clear();
    for (const pid of kernelThreadPids(this.#proc)) {
      const index = /^pool_rx_(\d+)$/.exec(this.#proc.read(`${pid}/comm`)?.trim() ?? '')?.[1];
      if (index !== undefined && this.#isReceiver(pid, Number(index))) this.#pids.set(Number(index), pid);
    }
  }

  #isReceiver(pid: number, index: number): boolean {
    return isKernelThread(this.#proc.read(`${pid}/stat`), nameOf(index));
  }
}

function nameOf(index: number): string {
  return `pool_rx_${index}`;
}
