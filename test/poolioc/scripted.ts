/** A device on workers with a scripted libc, and a look at what the workers do. */
import { ExitGuard } from '../../src/poolioc/threads/exit.js';
import { Device } from '../../src/poolioc/device.js';
import { copyBytes } from '../../src/base/bytes.js';
import type { ProcFiles } from '../../src/poolioc/closing/kernel-thread.js';
import { SessionState } from '../../src/poolioc/abi/constants.js';
import { offsetsOf, structs } from '../../src/poolioc/abi/structs.js';
import { WorkerPool, type WorkerPoolOptions } from '../../src/poolioc/threads/worker-pool.js';
import type { SignalLibc } from '../../src/poolioc/threads/worker-thread.js';
import { bundleWorker } from './bundle.js';

/** What a call of a request gives; see test/fixtures/poolioc/scripted-libc.mjs. */
export interface Step {
  ret?: number;
  errno?: number;
  struct?: number[];
  data?: number[];
  fill?: [length: number, byte: number];
  block?: boolean;
  deaf?: number;
  slot?: number;
  ms?: number;
}

const Words = {
  RELEASED: 0,
  SIGNALS: 1,
  INSIDE: 2,
  MOST_INSIDE: 3,
  CLOSED: 4,
  SENDS: 5,
  LOCK: 6,
  REFUSED: 7,
  CALLS: 8,
  SENT: 32,
  STRUCTS: 64,
} as const;
const STRUCT_BYTES = 24;

export interface ScriptOptions extends Partial<WorkerPoolOptions> {
  /** By pid: the text of /proc/<pid>/stat. */
  stats?: Record<number, string>;
  /** True: a character device, as the module's is. */
  module?: boolean;
  /** Where kernel threads are looked for by default. */
  proc?: ProcFiles;
}

export class Script {
  readonly words = new Int32Array(new SharedArrayBuffer(512));
  readonly pool: WorkerPool;
  readonly exit: ExitGuard;
  exitCode: number | null = null;
  readonly #proc: ProcFiles | undefined;
  constructor(
    steps: Record<number, Step[]>,
    { stats, module: isModule, proc, ...options }: ScriptOptions & { file: URL },
  ) {
    this.#proc = proc;
    const libc: SignalLibc = {
      address: () => 0x1000n,
      copy: copyBytes,
      flock: () => {
        Atomics.compareExchange(this.words, Words.LOCK, 1, 0);
        return { ret: 0, errno: 0 };
      },
      interruptBy: () => {},
      tgkill: () => {
        Atomics.add(this.words, Words.SIGNALS, 1);
        Atomics.notify(this.words, Words.SIGNALS);
        return { ret: 0, errno: 0 };
      },
      exit: (code) => {
        this.exitCode = code;
        return undefined as never;
      },
    };
    const module = new URL('../fixtures/poolioc/scripted-libc.mjs', import.meta.url).href;
    this.pool = new WorkerPool({
      libc,
      substitute: { module, options: { words: this.words, steps, stats, module: isModule } },
      idleTimeout: 50,
      ...options,
    });
    this.exit = new ExitGuard(this.pool, libc);
  }

  get signals(): number {
    return Atomics.load(this.words, Words.SIGNALS);
  }
  get mostInside(): number {
    return Atomics.load(this.words, Words.MOST_INSIDE);
  }
  get closed(): number {
    return Atomics.load(this.words, Words.CLOSED);
  }
  /** How often a request was made, by its number in pool.h. */
  calls(request: number): number {
    return Atomics.load(this.words, Words.CALLS + (request & 0xff));
  }
  /** The first byte of each message that was sent, of the first 32. */
  sent(): number[] {
    return [...this.words.subarray(Words.SENT, Words.SENT + Atomics.load(this.words, Words.SENDS))];
  }
  /** The struct that a request was last given: its first 24 bytes. */
  struct(request: number): Buffer {
    return Buffer.from(this.words.buffer, 4 * Words.STRUCTS + (request & 0xff) * STRUCT_BYTES, STRUCT_BYTES);
  }
  /** Who has the lock on the device file: 0 nobody, 1 this process, 2 another one. */
  get lock(): number {
    return Atomics.load(this.words, Words.LOCK);
  }
  set lock(holder: number) {
    Atomics.store(this.words, Words.LOCK, holder);
  }
  /** How often it was asked for in vain. */
  get refused(): number {
    return Atomics.load(this.words, Words.REFUSED);
  }
  /** Lets every call that blocks come back. */
  release(): void {
    Atomics.store(this.words, Words.RELEASED, 1);
    Atomics.notify(this.words, Words.SIGNALS);
  }
  /** Fulfils when `count` calls are blocked. */
  async inside(count: number): Promise<void> {
    await until(() => Atomics.load(this.words, Words.INSIDE) === count);
  }

  open(): Promise<Device> {
    return Device.open('/scripted', { workers: { pool: this.pool, exit: this.exit }, proc: this.#proc });
  }
}

/** Fulfils when `condition` holds. The test's own timeout is the bound. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** SESSIONS of a table with these slots; a session's id is one byte, 16 times. */
export function tableOf(...sessions: { index: number; id?: number; state?: number }[]): Step {
  const rows = sessions.map(({ index, id = index + 1, state = SessionState.ESTABLISHED }) => {
    const row = Buffer.alloc(structs.SessionInfo.size);
    const at = offsetsOf(structs.SessionInfo);
    row.writeUInt32LE(index, at.index);
    row.writeUInt8(state, at.state);
    row.fill(id, at.sessionId, at.sessionId + 16);
    return row;
  });
  return { struct: [0, sessions.length, 0, 0, 0], data: [...Buffer.concat(rows)] };
}

/** A script and a device that follows it. */
export async function scripted(
  steps: Record<number, Step[]>,
  options: ScriptOptions = {},
): Promise<{ script: Script; device: Device }> {
  const script = new Script(steps, { file: await bundleWorker(), ...options });
  return { script, device: await script.open() };
}
