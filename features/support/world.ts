/** What the steps of one scenario share: two ends, what was tried last, and what has to be undone. */
import assert from 'node:assert/strict';
import {
  After,
  AfterAll,
  defineParameterType,
  setDefaultTimeout,
  setWorldConstructor,
  World,
} from '@cucumber/cucumber';
import {
  type Addr,
  type Channel,
  type Conn,
  type DialOptions,
  type Flow,
  type Listener,
  type ListenOptions,
  dial,
} from 'pool-ts';
import { endOf, EXPECTATIONS, type Expectations, timeFactor } from './expectations.js';
import { closeKept, listenerFor } from './listeners.js';

export type Side = 'client' | 'server';

/** What came of the operation that a scenario tried last. */
export type Outcome = { error: unknown } | { value: unknown };

setDefaultTimeout(60_000 * timeFactor());

export class PoolWorld extends World {
  readonly conns = new Map<Side, Conn>();
  readonly channels = new Map<string, Channel>();
  listener: Listener | null = null;
  /** Where the client dials: the listener's loopback address, or a faulty peer's. */
  target: { host: string; port: number } | null = null;
  outcome: Outcome | null = null;
  /** An operation under way, and how it ended. */
  waiting: Promise<Outcome> | null = null;
  /** The message written last, where it is too long for the text. */
  written: Uint8Array = new Uint8Array();
  /** Aborted when the scenario is over. */
  readonly over = new AbortController();
  readonly #undo: (() => Promise<unknown>)[] = [];

  /** Runs when the scenario is over, the last first. */
  later(undo: () => Promise<unknown>): void {
    this.#undo.push(undo);
  }

  expects(side: Side): Expectations {
    return EXPECTATIONS[endOf(side).ground];
  }

  get listening(): Listener {
    assert(this.listener, 'the scenario has no listener');
    return this.listener;
  }

  conn(side: Side): Conn {
    const conn = this.conns.get(side);
    assert(conn, `the ${side} has no connection`);
    return conn;
  }

  channel(side: Side, channel: number): Channel {
    const open = this.channels.get(`${side} ${channel}`);
    assert(open, `the ${side} has not opened channel ${channel}`);
    return open;
  }

  /** The connection itself, or one of its channels. */
  flow(side: Side, channel?: number): Flow {
    return channel === undefined ? this.conn(side) : this.channel(side, channel);
  }

  async listen(host = '127.0.0.1', options: ListenOptions = {}): Promise<void> {
    const { listener, release } = await listenerFor(host, options);
    this.listener = listener;
    this.target = { host, port: listener.addr.port };
    this.later(release);
  }

  async dial(address: string | { host: string; port?: number }, options: DialOptions = {}): Promise<Conn> {
    const { backend, device } = endOf('client');
    const conn = await dial(address, { backend, device, ...options });
    this.keep('client', conn);
    return conn;
  }

  async dialTarget(options: DialOptions = {}): Promise<Conn> {
    assert(this.target, 'the scenario has nobody to dial');
    return this.dial(this.target, options);
  }

  async accept(): Promise<Conn> {
    const conn = await this.listening.accept({ signal: this.over.signal });
    this.keep('server', conn);
    return conn;
  }

  async connect(): Promise<void> {
    await Promise.all([this.accept(), this.dialTarget()]);
  }

  /** Takes a connection for one end, and closes it when the scenario is over. */
  keep(side: Side, conn: Conn): void {
    this.conns.set(side, conn);
    this.closeLater(conn);
  }

  closeLater(conn: Conn): void {
    this.later(() => conn.close({ closeTimeout: 500 }));
  }

  /** Puts the port of the scenario's listener where the text says PORT. */
  withPort(text: string): string {
    return text.replace('PORT', String(this.target?.port));
  }

  /** Tries what may fail; `Then it fails with` looks at the outcome. */
  async attempt(operation: () => unknown): Promise<void> {
    this.outcome = await settle(operation);
  }

  /** Starts what stays pending for a while. */
  start(operation: () => Promise<unknown>): void {
    this.waiting = settle(operation);
  }

  get error(): Error & { code?: string } {
    assert(this.outcome, 'the scenario tried nothing');
    if (!('error' in this.outcome)) assert.fail(`expected a failure, got ${String(this.outcome.value)}`);
    assert(this.outcome.error instanceof Error, `failed with something that is no Error`);
    return this.outcome.error;
  }

  async end(): Promise<void> {
    this.over.abort();
    for (const undo of this.#undo.reverse()) await settle(undo);
  }
}

async function settle(operation: () => unknown): Promise<Outcome> {
  try {
    return { value: await operation() };
  } catch (error) {
    return { error };
  }
}

/** How the text of a feature writes an address: as Addr does. */
export const written = (addr: Addr): string => addr.toString();

defineParameterType({ name: 'side', regexp: /client|server/, transformer: (text) => text as Side });

setWorldConstructor(PoolWorld);
After(function (this: PoolWorld) {
  return this.end();
});
AfterAll(closeKept);
