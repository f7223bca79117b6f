/**
 * A backend session on a Duplex, so that a Conn can be made of one again: Conn, toDuplex(), and a Conn on top that must
 * keep the contract as if nothing were between. It uses of the Duplex what any program does: events, callbacks, pause.
 */
import type { SessionEnd, SessionHandler } from '../../src/base/session.js';
import type { FlowDuplex } from '../../src/index.js';
import { PoolError } from '../../src/base/errors.js';
import type { Conn } from '../../src/pool/flow/conn.js';
import { openConn } from '../../src/pool/flow/session-conn.js';
import type { BackendSession } from '../../src/pool/backend.js';

export function connOnDuplex(conn: Conn, objectMode: boolean): Conn {
  return openConn(new DuplexSession(conn, conn.toDuplex({ objectMode })), {
    backend: conn.backend,
    readQueueBytes: 65_536,
    writeQueueBytes: 65_536,
    idleTimeout: 0,
    channels: [],
  });
}

class DuplexSession implements BackendSession {
  readonly index = 0;
  readonly id: string;
  readonly localAddr: Conn['localAddr'];
  readonly remoteAddr: Conn['remoteAddr'];
  readonly maxMessageSize: number;
  readonly #conn: Conn;
  readonly #duplex: FlowDuplex;
  #handler: SessionHandler | null = null;
  #end: SessionEnd | null = null;

  constructor(conn: Conn, duplex: FlowDuplex) {
    this.#conn = conn;
    this.#duplex = duplex;
    this.id = conn.id;
    this.localAddr = conn.localAddr;
    this.remoteAddr = conn.remoteAddr;
    this.maxMessageSize = conn.maxMessageSize;
    duplex.on('error', (error) => {
      this.#finish({
        by: 'error',
        error: error instanceof PoolError ? error : new PoolError('ERR_POOL_PEER_LOST', error.message),
      });
    });
    duplex.on('close', () => this.#finish({ by: 'local' }));
  }

  start(handler: SessionHandler): void {
    this.#handler = handler;
    // Over before anybody was there to be told.
    if (this.#end !== null) {
      const end = this.#end;
      queueMicrotask(() => handler.end(end));
      return;
    }
    this.#duplex.on('drain', () => handler.drain());
    this.#duplex.on('data', (data: Uint8Array) => {
      if (!handler.message(0, data)) this.#duplex.pause();
    });
    this.#duplex.on('end', () => this.#finish({ by: 'remote' }));
  }

  send(_channel: number, data: Uint8Array, done: (error?: PoolError) => void): boolean {
    // The caller's memory is free when this returns; a stream keeps its chunk until the callback.
    return this.#duplex.write(Uint8Array.from(data), (error) => {
      if (error instanceof PoolError) done(error);
      else done(error ? new PoolError('ERR_POOL_PEER_LOST', error.message) : undefined);
    });
  }

  resume(): void {
    this.#duplex.resume();
  }

  setQueueDepth(): void {}

  async subscribe(): Promise<void> {}

  async unsubscribe(): Promise<void> {}

  close({ timeout }: { timeout: number }): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const error = new PoolError('ERR_POOL_TIMEOUT', 'not taken in time');
        this.#conn.destroy(error);
        reject(error);
      }, timeout);
      this.#duplex.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      this.#duplex.end();
    });
  }

  /** As Conn's: without CLOSE. */
  destroy(error?: PoolError): void {
    this.#conn.destroy(error);
  }

  telemetry(): ReturnType<Conn['telemetry']> {
    return this.#conn.telemetry();
  }

  info(): ReturnType<Conn['info']> {
    return this.#conn.info();
  }

  state(): ReturnType<Conn['sessionState']> {
    return this.#conn.sessionState();
  }

  ref(): void {
    this.#duplex.ref();
  }

  unref(): void {
    this.#duplex.unref();
  }

  #finish(end: SessionEnd): void {
    if (this.#end !== null) return;
    this.#end = end;
    this.#handler?.end(end);
  }
}
