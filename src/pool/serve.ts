/** Listener.serve: a handler for every connection, so many at a time. */
import { onAbort } from '../base/abort.js';
import { checkFunction } from '../base/arguments.js';
import { PoolError } from '../base/errors.js';
import { atCallSite, type CallSite, isReason } from './call-site.js';
import type { Conn } from './flow/conn.js';
import type { OpOptions } from './op-options.js';
import { reader } from './options.js';
import { warnOnce } from './warn-once.js';

/** Options of {@link Listener.serve}. */
export interface ServeOptions extends OpOptions {
  /** Handlers at a time; further sessions wait in the backlog. Default: no limit but `maxConnections`. */
  concurrency?: number | undefined;
  /** Gets what a handler threw. The connection is destroyed after it, unless it is being closed; what this throws ends `serve`. */
  onError?: ((error: unknown, conn: Conn) => void | Promise<void>) | undefined;
}

/** What serve needs of a listener. */
export interface Accepts {
  accept(options?: OpOptions): Promise<Conn>;
  /** Null once it is closed. */
  address(): unknown;
}

type Handler = (conn: Conn) => void | Promise<void>;
type OnError = NonNullable<ServeOptions['onError']>;

const destroyed = (reason: string, { remoteAddr }: Conn): string =>
  ` for ${remoteAddr.toString()}: ${reason}; its connection was destroyed`;

/** See {@link Listener.serve}. */
export async function serve(
  listener: Accepts,
  site: CallSite,
  handler: Handler,
  options?: ServeOptions,
): Promise<void> {
  let service: Service;
  try {
    checkFunction('the handler', handler);
    service = new Service(listener, { handler, ...readServeOptions(options) });
  } catch (error) {
    throw atCallSite(error, site);
  }
  try {
    await service.run();
  } catch (error) {
    throw atCallSite(error, site, service.stopped);
  }
}

/** @throws PoolError ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE */
export function readServeOptions(options: unknown): Omit<ServiceSettings, 'handler'> {
  const read = reader(options);
  const settings = {
    onError: (read.function('onError') as OnError | undefined) ?? warnOnce('serve', destroyed),
    concurrency: read.count('concurrency') ?? Infinity,
    signal: read.signal('signal'),
  };
  read.done();
  return settings;
}

interface ServiceSettings {
  handler: Handler;
  onError: OnError;
  concurrency: number;
  signal: AbortSignal | undefined;
}

class Service {
  readonly #listener: Accepts;
  readonly #settings: ServiceSettings;
  /** Ends the accept that is waiting: fired by the caller's signal, and by what onError throws. */
  readonly #stop = new AbortController();
  #running = 0;
  #wake: () => void = () => {};

  constructor(listener: Accepts, settings: ServiceSettings) {
    this.#listener = listener;
    this.#settings = settings;
  }

  /** Its reason is what `run` rejects with. */
  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  async run(): Promise<void> {
    const done = onAbort(this.#settings.signal, (reason) => this.#halt(reason));
    try {
      while (await this.#serveOne());
      await this.#fewerThan(1);
    } finally {
      done();
    }
    this.stopped.throwIfAborted();
  }

  /** False once the listener is closed. */
  async #serveOne(): Promise<boolean> {
    await this.#fewerThan(this.#settings.concurrency);
    this.stopped.throwIfAborted();
    try {
      const conn = await this.#listener.accept({ signal: this.stopped });
      this.#running += 1;
      void this.#handle(conn).then(() => {
        this.#running -= 1;
        this.#wake();
      });
      return true;
    } catch (error) {
      const closed =
        error instanceof PoolError && error.code === 'ERR_POOL_CLOSED' && this.#listener.address() === null;
      if (closed && !isReason(error, this.stopped)) return false;
      throw error;
    }
  }

  /** Waits until fewer than `limit` handlers are under way, or until it is to stop. */
  async #fewerThan(limit: number): Promise<void> {
    while (this.#running >= limit && !this.stopped.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #halt(reason: unknown): void {
    this.#stop.abort(reason);
    this.#wake();
  }

  /** Never rejects. */
  async #handle(conn: Conn): Promise<void> {
    try {
      await this.#settings.handler(conn);
      // What goes wrong in closing is told by conn.closed.
      await conn.close().catch(() => {});
    } catch (error) {
      try {
        await this.#settings.onError(error, conn);
      } catch (fault) {
        this.#halt(fault);
      }
      if (conn.state === 'open') conn.destroy();
      // Somebody is closing it, for example by destroying its Duplex: what was written is still sent.
      else await conn.close().catch(() => {});
    }
  }
}
