/** How a flow comes to its end: its state, what `closed` fulfils with, and how long a close waits for what was written. */
import { nodeTimers, type TimerFunctions } from '../../base/timers.js';
import { PoolError } from '../../base/errors.js';
import { atCallSite, type CallSite } from '../call-site.js';
import { opError, type OpTarget } from '../op-error.js';
import type { Flow, FlowClosed } from './flow.js';

const LOCAL_END: FlowClosed = Object.freeze({ by: 'local' });

export class FlowEnd {
  readonly closed: Promise<FlowClosed>;
  readonly #target: OpTarget;
  /** Where an error of `destroy` is made to come from. */
  readonly #destroySite: () => CallSite;
  readonly #timers: TimerFunctions;
  #state: Flow['state'] = 'open';
  #hungUp: FlowClosed | undefined;
  #resolveClosed!: (closed: FlowClosed) => void;

  constructor(target: OpTarget, destroySite: () => CallSite, timers = nodeTimers) {
    this.#target = target;
    this.#destroySite = destroySite;
    this.#timers = timers;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  get state(): Flow['state'] {
    return this.#state;
  }

  /** From here on it takes no further calls. */
  begin(): void {
    if (this.#state === 'open') this.#state = 'closing';
  }

  /** The flow is over; `closed` fulfils. Only the first call counts. */
  settle(closed: FlowClosed): void {
    this.#state = 'closed';
    this.#resolveClosed(closed);
  }

  /** A stream on the flow was destroyed by `error`: so this side's own end is told, unless it is another's by then. */
  hungUpBy(error: Error): void {
    this.#hungUp ??= this.destroyedBy(error);
  }

  /** How this side's own end is told. */
  get own(): FlowClosed {
    return this.#hungUp ?? LOCAL_END;
  }

  /** How a `destroy` is told: without a reason it is a close like another. */
  destroyedBy(error: Error | undefined): FlowClosed {
    if (error === undefined) return this.own;
    if (error instanceof PoolError) return { by: 'error', error };
    const wrapped = opError('destroy', this.#target, 'ERR_POOL_CLOSED', error.message, { cause: error });
    return { by: 'error', error: atCallSite(wrapped, this.#destroySite()) };
  }

  /** Waits until all was sent, or the flow is over, for at most `timeout` ms. Rejects with ERR_POOL_TIMEOUT. */
  async flush(flushed: Promise<void>, timeout: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = this.#timers.setTimeout(() => reject(this.#timedOut(timeout)), timeout);
    });
    try {
      await Promise.race([flushed, this.closed, late]);
    } finally {
      this.#timers.clearTimeout(timer);
    }
  }

  #timedOut(timeout: number): Error {
    const reason = `the peer didn't take what was written within ${timeout} ms`;
    return opError('close', this.#target, 'ERR_POOL_TIMEOUT', reason);
  }
}
