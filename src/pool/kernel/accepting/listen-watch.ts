/**
 * Notices that somebody else ended the listening: STOP is the machine's, any program may call it, and no call tells
 * (kernel contract, section 2). On the module /proc/pool/status says it. A device served from user space shows its port
 * among the sockets of /proc/net, if it is served in this network namespace; if it is not, and the device does not tell by
 * itself, a STOP can't be seen from here, and the listener waits on for sessions that don't come.
 */
import { PoolError } from '../../../base/errors.js';
import type { KernelClock, ClockTimer } from '../calls/kernel-clock.js';
import { parseModuleStatus } from '../../../base/module-status.js';
import type { ProcFiles } from '../../../poolioc/closing/kernel-thread.js';
import { readTcpTable } from '../table/tcp-table.js';

/** ms between two looks. */
const LOOK_MS = 1000;
/** Looks in a row without the port: sockets that come and go meanwhile can make a read of /proc/net miss one. */
const MISSES = 2;

export interface ListenWatchOptions {
  proc: ProcFiles;
  clock: KernelClock;
  /** The module's device. */
  module: boolean;
  port: number;
  /** The listening port, where the device tells it by itself; null where it doesn't. */
  told(): number | null;
  /** Called once, unless `cancel` came first. */
  ended(error: PoolError): void;
}

export class ListenWatch {
  readonly #options: ListenWatchOptions;
  /** What a look finds wrong; null where all is well or nothing can be seen. */
  readonly #look: () => string | null;
  #timer: ClockTimer | undefined;
  #misses = 0;
  /** The device has told of this listener: what it told before is an older one's, or nobody's. */
  #heard = false;
  readonly #seen: boolean;

  /** To be made when the port is open. */
  constructor(options: ListenWatchOptions) {
    this.#options = options;
    this.#look = options.module ? () => this.#lookAtModule() : () => this.#lookAtSockets();
    this.#seen = options.module || this.#isVisible() === true;
    this.#lookLater();
  }

  cancel(): void {
    this.#timer?.cancel();
  }

  #lookLater(): void {
    this.#timer = this.#options.clock.after(LOOK_MS, () => {
      const what = this.#look();
      if (what === null) this.#lookLater();
      else this.#options.ended(new PoolError('ECONNABORTED', what, { syscall: 'listen', port: this.#options.port }));
    });
  }

  #lookAtModule(): string | null {
    const { proc, port } = this.#options;
    const status = attempt(() => parseModuleStatus(proc.read('pool/status')));
    if (status === null || (status.listening && status.port === port)) return null;
    const now = status.listening ? `; the module listens on port ${status.port} now` : '';
    return `another program stopped the module's listener (POOL_IOC_STOP)${now}: listen again`;
  }

  #lookAtSockets(): string | null {
    const { port } = this.#options;
    const now = this.#options.told();
    // The news of a busy machine are seconds old.
    this.#heard ||= now === port;
    // A port that couldn't be seen when it was open can't be missed later.
    const there = this.#heard && now !== null ? now === port : !this.#seen || this.#isVisible() !== false;
    this.#misses = there ? 0 : this.#misses + 1;
    if (this.#misses < MISSES) return null;
    return "another program stopped the device's listener (POOL_IOC_STOP): listen again";
  }

  /** Null where it can't be seen at the moment. */
  #isVisible(): boolean | null {
    return attempt(() => readTcpTable(this.#options.proc).listening.has(this.#options.port));
  }
}

/** Null where /proc can't be read at the moment, as for want of descriptors. */
function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
