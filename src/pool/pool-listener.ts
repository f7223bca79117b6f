/** What listen gives: established sessions, handed out in the order in which they came. */
import type { BlockList } from 'node:net';
import { inspect, type InspectOptions } from 'node:util';
import type { DropReason, RefuseReason } from '../base/session.js';
import { PoolError } from '../base/errors.js';
import type { Addr } from './address/addr.js';
import type { BackendListener, BackendSession } from './backend.js';
import { atCallSite, type CallSite, fromCallSite, methodSite } from './call-site.js';
import type { Conn } from './flow/conn.js';
import type { MakeConn } from './flow/conn-events.js';
import { Deque } from './flow/deque.js';
import { EndedConns } from './flow/ended-conns.js';
import { publish } from './observe/diagnostics.js';
import type { FlowClosed } from './flow/flow.js';
import { opError } from './op-error.js';
import { orAborted, throwIfAborted } from '../base/abort.js';
import type { OpOptions } from './op-options.js';
import { reader } from './options.js';
import { serve, type ServeOptions } from './serve.js';
import { Waiter, Waiters } from './flow/waiters.js';
import type { Listener, ListenerClosed, ListenerCloseOptions, ListenerConnections } from './listener.js';

const CONNECTIONS: readonly ListenerConnections[] = ['keep', 'close', 'destroy'];

export interface ListenerDeps {
  backlog: number;
  maxConnections: number;
  blockList: BlockList | undefined;
  makeConn: MakeConn;
}

class Accepting extends Waiter<Conn> {
  constructor(readonly site: CallSite) {
    super('accept');
  }
}

/** A Listener on a backend's. Made before that one is: sessions may come as soon as the port is open. */
export class PoolListener implements Listener {
  readonly closed: Promise<ListenerClosed>;
  readonly #deps: ListenerDeps;
  readonly #backlog = new Deque<BackendSession>();
  readonly #open = new Set<Conn>();
  readonly #ended = new EndedConns();
  readonly #accepts = new Waiters<Conn, Accepting>({ timedOut: ({ site }) => this.#timedOut(site) });
  #resolveClosed!: (closed: ListenerClosed) => void;
  #bound: BackendListener | null = null;
  #closing: Promise<void> | null = null;
  #failure: PoolError | null = null;

  constructor(deps: ListenerDeps) {
    this.#deps = deps;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  bind(bound: BackendListener): void {
    this.#bound = bound;
  }

  /** A peer that has only just connected: why it can't stay, or null. */
  admit(remote: Addr): RefuseReason | null {
    if (this.#deps.blockList !== undefined && blocks(this.#deps.blockList, remote)) return 'blocked';
    return this.#full ? 'max-connections' : null;
  }

  /** A session is established. While it waits it is not started: nothing is read, and nobody judges the peer. */
  session(session: BackendSession): void {
    const first = this.#accepts.first;
    if (this.#closing !== null) return session.destroy();
    // Asked once more: several may have been admitted before the first of them was established.
    if (this.#full) return this.#refuse(session, 'max-connections');
    if (first !== null) return this.#accepts.resolve(first, this.#handOut(session));
    if (this.#backlog.length >= this.#deps.backlog) return this.#refuse(session, 'backlog');
    this.#backlog.push(session);
  }

  /** Null before it is bound. */
  get boundAddr(): Addr | null {
    return this.#bound?.addr ?? null;
  }

  dropped(remoteAddr: Addr, reason: DropReason, error?: PoolError): void {
    publish('pool.listener.drop', () => ({
      localAddr: this.boundAddr,
      remoteAddr,
      reason,
      ...(error === undefined ? {} : { error }),
    }));
  }

  /** The backend's listener ended by itself. */
  failed(error: PoolError): void {
    if (this.#failure !== null || this.#closing !== null) return;
    this.#failure = error;
    this.#accepts.rejectAll(({ site }) => atCallSite(this.#failed(error), site));
    this.#accepts.deadline.dispose();
    this.#resolveClosed({ by: 'error', error });
  }

  accept(options?: OpOptions): Promise<Conn> {
    return this.#accept(methodSite(this, 'accept'), options);
  }

  /** Not an async function: promises settle in the order in which their sessions came, and so at equal depth. */
  #accept(site: CallSite, options: OpOptions | undefined): Promise<Conn> {
    let signal: AbortSignal | undefined;
    try {
      const read = reader(options);
      signal = read.signal('signal');
      read.done();
      throwIfAborted(signal);
      if (this.#closing !== null) throw this.#error('ERR_POOL_CLOSED', 'the listener is closed');
      if (this.#accepts.deadline.passed) throw this.#timedOut(site);
      const session = this.#next();
      if (session !== undefined) return Promise.resolve(this.#handOut(session));
      if (this.#failure !== null) throw this.#failed(this.#failure);
      return this.#accepts.add(new Accepting(site), signal);
    } catch (error) {
      // A signal's reason can be anything; it is passed on as it is.
      return Promise.reject(atCallSite(error as Error, site, signal));
    }
  }

  serve(handler: (conn: Conn) => void | Promise<void>, options?: ServeOptions): Promise<void> {
    return serve(this, methodSite(this, 'serve'), handler, options);
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Conn> {
    // Fires when it is left, by whoever iterates or by an error: a `next` that is pending must not take a session then.
    const left = new AbortController();
    const { signal } = left;
    const iterator: AsyncIterableIterator<Conn> = {
      next: async () => {
        if (signal.aborted) return { done: true, value: undefined };
        try {
          return { done: false, value: await this.#accept(methodSite(iterator, 'next'), { signal }) };
        } catch (error) {
          const over = signal.aborted || this.#closing !== null;
          left.abort();
          if (over) return { done: true, value: undefined };
          throw error;
        }
      },
      return: async () => {
        left.abort();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  setDeadline(at: Date | number | null): void {
    fromCallSite(this, 'setDeadline', () => this.#accepts.deadline.set(at));
  }

  get addr(): Addr {
    if (this.#bound === null) throw new PoolError('ERR_POOL_CLOSED', 'the listener does not listen yet');
    return this.#bound.addr;
  }

  address(): { address: string; family: 'IPv4' | 'IPv6'; port: number } | null {
    if (this.#closing !== null || this.#failure !== null) return null;
    const { address, family, port } = this.addr;
    return { address, family, port };
  }

  close(options?: ListenerCloseOptions): Promise<void> {
    const site = methodSite(this, 'close');
    let signal: AbortSignal | undefined;
    const fail = (error: unknown): never => {
      throw atCallSite(error, site, signal);
    };
    try {
      const read = reader(options);
      signal = read.signal('signal');
      const connections = read.oneOf('connections', CONNECTIONS) ?? 'keep';
      read.done();
      if (this.#closing === null) {
        this.#closing = this.#release();
        this.#abandon();
      }
      const done = Promise.all([this.#closing, this.#end(connections)]).then(() => {});
      const closing = orAborted(done, signal).catch(fail);
      // Nobody has to wait for it, nor for what goes on when its signal fires.
      for (const promise of [done, closing]) promise.catch(() => {});
      return closing;
    } catch (error) {
      return Promise.reject(atCallSite(error as Error, site, signal));
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  ref(): this {
    this.#bound?.ref();
    this.#accepts.deadline.ref();
    return this;
  }

  unref(): this {
    this.#bound?.unref();
    this.#accepts.deadline.unref();
    return this;
  }

  toJSON(): { addr: ReturnType<Addr['toJSON']> } {
    return { addr: this.addr.toJSON() };
  }

  [inspect.custom](_depth: number, options: InspectOptions & { stylize(text: string, style: string): string }): string {
    const state = this.#closing !== null ? 'closed' : this.#failure !== null ? 'failed' : 'open';
    const addr = options.stylize(String(this.#bound?.addr), 'string');
    return `Listener { ${addr}, ${state}, ${this.#backlog.length} waiting, ${this.#open.size} connected }`;
  }

  get #full(): boolean {
    return this.#open.size + this.#backlog.length >= this.#deps.maxConnections;
  }

  /** In one turn with whoever gets it, who may still open channels before anything is received. */
  #handOut(session: BackendSession): Conn {
    const closed = ({ by }: FlowClosed): void => {
      this.#open.delete(conn);
      if (by !== 'local') this.#ended.add(conn);
    };
    const conn = this.#deps.makeConn(session, 'server', closed, this);
    this.#open.add(conn);
    return conn;
  }

  /** The one that waits longest; what has died of a dial that failed is no session to its listener. */
  #next(): BackendSession | undefined {
    for (;;) {
      const session = this.#backlog.shift();
      if (session?.stillborn?.() !== true) return session;
      this.#refuse(session, 'gone');
    }
  }

  #refuse(session: BackendSession, reason: DropReason): void {
    session.destroy();
    this.dropped(session.remoteAddr, reason);
  }

  /** Nobody waits any more, and nobody gets what waited. */
  #abandon(): void {
    this.#accepts.rejectAll(({ site }) => atCallSite(this.#error('ERR_POOL_CLOSED', 'the listener was closed'), site));
    this.#accepts.deadline.dispose();
    for (let session = this.#backlog.shift(); session !== undefined; session = this.#backlog.shift()) session.destroy();
  }

  async #release(): Promise<void> {
    try {
      await this.#bound?.close();
    } finally {
      this.#resolveClosed({ by: 'local' });
    }
  }

  async #end(connections: ListenerConnections): Promise<void> {
    const open = [...this.#open, ...this.#ended.all()];
    if (connections === 'destroy') for (const conn of open) conn.destroy();
    // How each of them ended, its own `closed` tells.
    if (connections === 'close') await Promise.allSettled(open.map((conn) => conn.close()));
  }

  #timedOut(site: CallSite): PoolError {
    return atCallSite(this.#error('ERR_POOL_TIMEOUT', 'deadline exceeded'), site);
  }

  #failed(error: PoolError): PoolError {
    return this.#error(error.code, error.message, error);
  }

  #error(code: string, reason: string, cause?: PoolError): PoolError {
    return opError('accept', { addr: this.addr }, code, reason, { errno: cause?.errno, cause });
  }
}

function blocks(blockList: BlockList, { address, family }: Addr): boolean {
  const scope = address.indexOf('%');
  return blockList.check(scope < 0 ? address : address.slice(0, scope), family === 'IPv4' ? 'ipv4' : 'ipv6');
}
