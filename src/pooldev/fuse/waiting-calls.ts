/**
 * The calls that wait for their answer, each a thread of some program: so many altogether, and a quarter of them of one
 * process, so that nobody can keep others out.
 */

/** Callers that may wait at one time. */
const MAX_CALLS = 4096;
const MAX_CALLS_OF_A_PROCESS = MAX_CALLS / 4;

export interface WaitingCall {
  readonly caller: { readonly pid: number };
}

export class WaitingCalls<Call extends WaitingCall> {
  readonly #processOf: (thread: number) => number;
  readonly #calls = new Map<bigint, Call>();
  /** Those whose process was not asked for: it costs a look at /proc, and matters only where many wait. */
  readonly #unasked = new Set<Call>();
  readonly #processes = new Map<Call, number>();
  readonly #waiting = new Map<number, number>();

  /** `processOf`: the process that a thread belongs to. */
  constructor(processOf: (thread: number) => number) {
    this.#processOf = processOf;
  }

  get size(): number {
    return this.#calls.size;
  }

  get(unique: bigint): Call | undefined {
    return this.#calls.get(unique);
  }

  all(): Call[] {
    return [...this.#calls.values()];
  }

  /** Whether no call of this thread may wait beside those that do. */
  isFull(thread: number): boolean {
    if (this.#calls.size < MAX_CALLS_OF_A_PROCESS) return false;
    if (this.#calls.size >= MAX_CALLS) return true;
    for (const call of this.#unasked) {
      const process = this.#processOf(call.caller.pid);
      this.#processes.set(call, process);
      this.#waiting.set(process, (this.#waiting.get(process) ?? 0) + 1);
    }
    this.#unasked.clear();
    return (this.#waiting.get(this.#processOf(thread)) ?? 0) >= MAX_CALLS_OF_A_PROCESS;
  }

  add(unique: bigint, call: Call): void {
    this.#calls.set(unique, call);
    this.#unasked.add(call);
  }

  /** Undefined: it did not wait. */
  delete(unique: bigint): Call | undefined {
    const call = this.#calls.get(unique);
    if (call === undefined) return undefined;
    this.#calls.delete(unique);
    if (this.#unasked.delete(call)) return call;
    const process = this.#processes.get(call);
    this.#processes.delete(call);
    if (process === undefined) return call;
    const left = (this.#waiting.get(process) ?? 1) - 1;
    if (left === 0) this.#waiting.delete(process);
    else this.#waiting.set(process, left);
    return call;
  }
}
