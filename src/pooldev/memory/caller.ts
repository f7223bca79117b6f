/**
 * Who made a call, and that it is still the same thread when its memory is touched. A pid is given again after its owner
 * ends; a file of /proc/<pid> that was opened before belongs to the first owner for ever and answers ESRCH once that one
 * is gone. It is a pidfd for a thread, at a tenth of the price of reading the start time from /proc/<pid>/stat.
 */
import { readProcFile } from '../../base/proc-file.js';
import { O_CLOEXEC } from '../../poolioc/libc.js';
import type { ServerLibc } from '../server-libc.js';

const O_RDONLY = 0;

/** Threads whose file is kept open for their next call. */
const KEPT = 32;

export interface Caller {
  /** The calling thread, in this process's pid namespace; 0 where it is in another one. */
  pid: number;
  uid: number;
}

/** A caller whose thread can be told from a later one with the same pid, until `release`. */
export interface PinnedCaller extends Caller {
  /** An open file of the thread. */
  pin: number;
  /** Its `/proc/<pid>/pagemap`, open until `release`; negative where that can't be had. */
  pages: () => number;
  /** The process that the thread belongs to; costs a read of /proc the first time. */
  process(): number;
  release: () => void;
}

interface Pin {
  fd: number;
  /** Of pagemap; null before it is asked for, and a negative errno where it can't be opened. */
  pages: number | null;
  uses: number;
  process: number | undefined;
}

/** Whether the thread that was pinned is still there. */
export function isAlive(libc: Pick<ServerLibc, 'pread'>, pin: number, scratch: Buffer): boolean {
  return libc.pread(pin, scratch) > 0;
}

export class CallerPins {
  readonly #libc: Pick<ServerLibc, 'open' | 'close' | 'pread'>;
  readonly #kept: number;
  readonly #processOf: (thread: number) => number;
  /** By pid, the one used longest ago first. */
  readonly #pins = new Map<number, Pin>();
  readonly #scratch = Buffer.alloc(32);

  constructor(libc: Pick<ServerLibc, 'open' | 'close' | 'pread'>, kept = KEPT, processOf = threadGroup) {
    this.#libc = libc;
    this.#kept = kept;
    this.#processOf = processOf;
  }

  /** Null for pid 0, and for a thread that is gone. */
  pin({ pid, uid }: Caller): PinnedCaller | null {
    if (pid === 0) return null;
    const pin = this.#current(pid);
    if (pin === null) return null;
    pin.uses++;
    let held = true;
    const release = (): void => {
      if (!held) return;
      held = false;
      pin.uses--;
      // Dropped in the meantime: this was its last use.
      if (pin.uses === 0 && this.#pins.get(pid) !== pin) this.#shut(pin);
    };
    const pages = (): number => (pin.pages ??= this.#libc.open(`/proc/${pid}/pagemap`, O_RDONLY | O_CLOEXEC));
    const process = (): number => (pin.process ??= this.#processOf(pid));
    return { pid, uid, pin: pin.fd, process, pages, release };
  }

  close(): void {
    for (const pid of [...this.#pins.keys()]) this.#drop(pid);
  }

  #current(pid: number): Pin | null {
    const known = this.#pins.get(pid);
    if (known !== undefined && isAlive(this.#libc, known.fd, this.#scratch)) {
      this.#pins.delete(pid);
      this.#pins.set(pid, known);
      return known;
    }
    this.#drop(pid);
    const fd = this.#libc.open(`/proc/${pid}/comm`, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return null;
    const pin: Pin = { fd, pages: null, uses: 0, process: undefined };
    this.#pins.set(pid, pin);
    const [oldest] = this.#pins.keys();
    if (this.#pins.size > this.#kept && oldest !== undefined) this.#drop(oldest);
    return pin;
  }

  #drop(pid: number): void {
    const pin = this.#pins.get(pid);
    this.#pins.delete(pid);
    if (pin?.uses === 0) this.#shut(pin);
  }

  #shut({ fd, pages }: Pin): void {
    this.#libc.close(fd);
    if (pages !== null && pages >= 0) this.#libc.close(pages);
  }
}

/** The process that a thread belongs to, for FUSE names the thread: from /proc/<thread>/status, 0.05 ms; the thread itself where that can't be read. */
export function threadGroup(thread: number): number {
  try {
    return Number(/^Tgid:\s*(\d+)$/m.exec(readProcFile(`/proc/${thread}/status`) ?? '')?.[1] ?? thread);
  } catch {
    return thread;
  }
}
