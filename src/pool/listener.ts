/** A listener, as programs have it. */
import type { PoolError } from '../base/errors.js';
import type { Addr } from './address/addr.js';
import type { Conn } from './flow/conn.js';
import type { OpOptions } from './op-options.js';
import type { ServeOptions } from './serve.js';

/** What becomes of the connections that a listener handed out, when it closes. */
export type ListenerConnections = 'keep' | 'close' | 'destroy';

/** Options of {@link Listener.close}. */
export interface ListenerCloseOptions extends OpOptions {
  /**
   * `keep`, the default, leaves them to whoever took them; `close` closes each and waits for it; `destroy` sends no CLOSE.
   * Both end those too whose session is over and that still hold something unread, with their streams.
   * Those that nobody accepted are destroyed in any case.
   */
  connections?: ListenerConnections | undefined;
}

/** Who ended a listener: `error` when it failed by itself, for example because the device went away. */
export interface ListenerClosed {
  by: 'local' | 'error';
  error?: PoolError;
}

/**
 * Accepts sessions. Iterating (`for await`) accepts until the listener is closed, which ends the loop; leaving the loop
 * doesn't close the listener. There is no 'error' event.
 */
export interface Listener extends AsyncDisposable, AsyncIterable<Conn> {
  /**
   * The next session. Concurrent calls are served first come, first served. Until it is accepted a session isn't read.
   * @throws (rejects) ERR_POOL_CLOSED after close, ERR_POOL_TIMEOUT past the deadline, the error of a listener that failed
   * (first come the sessions that it had), the signal's reason
   */
  accept(options?: OpOptions): Promise<Conn>;
  /**
   * Accepts and calls `handler` with each connection, which is closed when the handler has settled, and destroyed when it
   * rejected. Settles when the listener is closed and every handler is done.
   *
   * A handler's error goes to `onError`; without it the process is warned, once for each `serve`. One peer's misfortune
   * doesn't end the service; an `onError` that throws does.
   * @throws (rejects) what onError throws; what accept rejects with, ERR_POOL_CLOSED excepted; the signal's reason, at
   * once: handlers under way go on
   */
  serve(handler: (conn: Conn) => void | Promise<void>, options?: ServeOptions): Promise<void>;
  /**
   * For pending and future accepts; null takes it away. Absolute, and monotonic from here on.
   * @param at Date, or ms since the epoch
   */
  setDeadline(at: Date | number | null): void;
  /** Where it listens; readable after close. `[::]:9253` is every address of the machine. */
  readonly addr: Addr;
  /** As `net.Server.address`: null once it is closed. */
  address(): { address: string; family: 'IPv4' | 'IPv6'; port: number } | null;
  /**
   * Stops accepting; settles when the port is free, and with `connections: 'close'` when they are closed. Idempotent.
   * Pending accepts reject ERR_POOL_CLOSED. The signal ends the waiting, not the closing.
   */
  close(options?: ListenerCloseOptions): Promise<void>;
  /** Fulfils when the listener has ended; never rejects. */
  readonly closed: Promise<ListenerClosed>;
  /** Keeps the process alive while it listens: so it is from the start. */
  ref(): this;
  /** Lets the process end although it listens. */
  unref(): this;
}
