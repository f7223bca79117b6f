/** A backend in memory whose dials end as a test says, and whose peers come when a test says. */
import type { PoolError } from '../../src/base/errors.js';
import { Addr } from '../../src/pool/address/addr.js';
import type {
  Backend,
  BackendDialOptions,
  BackendListener,
  BackendListenOptions,
  BackendSession,
} from '../../src/pool/backend.js';
import { type MemorySession, memorySessions } from '../../src/testing/memory-session.js';

export interface FakeDial {
  address: Addr;
  signal: AbortSignal | undefined;
  /** The peer answers; gives the peer's end. */
  answer(): MemorySession;
  fail(error: PoolError): void;
}

export class FakeBackend implements Backend {
  readonly name: 'kernel' | 'user';
  readonly parallelDials: boolean;
  readonly dials: FakeDial[] = [];
  listening: BackendListenOptions | null = null;
  listenerClosed = false;
  refed = true;
  #dialled: () => void = () => {};

  constructor({ name = 'user', parallelDials = true }: { name?: 'kernel' | 'user'; parallelDials?: boolean } = {}) {
    this.name = name;
    this.parallelDials = parallelDials;
  }

  dial(address: Addr, { signal }: BackendDialOptions): Promise<BackendSession> {
    return new Promise((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason as Error));
      this.dials.push({
        address,
        signal,
        answer: () => {
          const [ours, theirs] = memorySessions({ addresses: [new Addr('127.0.0.1', 1), address] });
          resolve(ours);
          return theirs;
        },
        fail: reject,
      });
      this.#dialled();
    });
  }

  /** The dial with this number, once it has begun. */
  async nth(number: number): Promise<FakeDial> {
    while (this.dials.length <= number) {
      await new Promise<void>((resolve) => {
        this.#dialled = resolve;
      });
    }
    return this.dials[number]!;
  }

  async listen(options: BackendListenOptions): Promise<BackendListener> {
    this.listening = options;
    return {
      addr: new Addr(options.host === '' ? '::' : options.host, options.port === 0 ? 40_000 : options.port),
      close: async () => {
        this.listenerClosed = true;
      },
      ref: () => {
        this.refed = true;
      },
      unref: () => {
        this.refed = false;
      },
    };
  }

  /** A peer comes; its end, or the reason why it was not admitted. `prepare` has the listener's end first. */
  peer(
    address = '127.0.0.1',
    port = 50_000,
    prepare: (ours: MemorySession) => void = () => {},
  ): MemorySession | string {
    const listening = this.listening!;
    const remote = new Addr(address, port);
    const reason = listening.admit(remote);
    if (reason !== null) {
      listening.dropped(remote, reason);
      return reason;
    }
    const [ours, theirs] = memorySessions({ addresses: [new Addr('127.0.0.1', 9253), remote] });
    prepare(ours);
    listening.session(ours);
    return theirs;
  }
}

/** What a promise rejects with; fails when it doesn't. */
export async function rejection(promise: Promise<unknown>): Promise<Error & { code?: string; cause?: unknown }> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error: error as Error & { code?: string; cause?: unknown } }),
  );
  if ('error' in outcome) return outcome.error;
  throw new Error(`expected a rejection, got ${String(outcome.value)}`);
}

/** Whether a promise is settled after all that is due in this turn has run. */
export async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  promise.then(
    () => (done = true),
    () => (done = true),
  );
  await new Promise((resolve) => setImmediate(resolve));
  return done;
}
