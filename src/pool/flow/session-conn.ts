/** The Conn of a session: channel 0, what nobody opened a channel for, and the session as a whole. */
import type { SessionEnd, SessionHandler, SessionStateName } from '../../base/session.js';
import { orAborted } from '../../base/abort.js';
import { messageOf, PoolError } from '../../base/errors.js';
import type { BackendSession } from '../backend.js';
import { SessionChannel, type Channel } from './channel.js';
import { ChannelTable } from './channel-table.js';
import type { FlowClosed } from './flow.js';
import { type Peer, peerOf } from '../identity/proven-peer.js';
import { IdleTimer } from './idle-timer.js';
import { closedHere, flowName, endError, fromCaller, located, opError, rejectFromCaller } from '../op-error.js';
import { DEFAULT_CLOSE_TIMEOUT_MS, requireChannel, signalOf, type OpOptions } from '../op-options.js';
import type { Listener } from '../listener.js';
import { ReadBudget } from './read-budget.js';
import { SessionFlow } from './session-flow.js';
import type { SessionInfo, Telemetry } from '../telemetry.js';
import { WriteScheduler } from './write-scheduler.js';
import { clearImmediate, nodeTimers, setImmediate, type TimerFunctions } from '../../base/timers.js';
import type { Conn, ConnJson } from './conn.js';

/** What a Conn is made with, besides its session. All of it is validated already. */
export interface ConnOptions {
  backend: 'kernel' | 'user';
  /** Bytes that the session may hold unread, all channels together, before it stops reading. */
  readQueueBytes: number;
  /** Bytes that may be under way before the next message has to wait. */
  writeQueueBytes: number;
  /**
   * ms without a message either way after which the session is closed: reads then give ERR_POOL_TIMEOUT behind what is
   * queued. 0 for never. Time in which this side reads nothing, because its queue is full, doesn't count, unless what it
   * has sent does not go out either.
   */
  idleTimeout: number;
  /** Channels that are open before the first message is received. */
  channels: readonly number[];
  /** Whoever accepted the session. */
  server?: Listener | null;
  onChannelOpen?: (channel: number) => void;
  /** It was closed, or the session has ended. */
  onChannelClose?: (channel: number, closed: FlowClosed) => void;
  /** The Conn is closed, at the moment when `closed` fulfils. */
  onClose?: (closed: FlowClosed) => void;
  /** Node's timers; tests give their own. */
  timers?: TimerFunctions;
  /** The session's keys changed; `count` is how often so far. */
  onRekey?: (count: number) => void;
  /** Reading has stood still for `ms`, which a module as peer may not survive. */
  onStall?: (ms: number) => void;
}

/**
 * Makes a Conn of an established session, and its owner. Call it right before the promise of dial or accept settles:
 * receiving starts with the next turn of the event loop, and channels that are opened until then miss nothing.
 */
export function openConn(session: BackendSession, options: ConnOptions): Conn {
  return new SessionConn(session, options);
}

class SessionConn extends SessionFlow implements Conn {
  readonly id: string;
  readonly backend: 'kernel' | 'user';
  readonly sessionIndex: number;
  readonly server: Listener | null;
  readonly peer: Peer;
  readonly #session: BackendSession;
  readonly #options: ConnOptions;
  readonly #timers: TimerFunctions;
  readonly #bound: ReadBudget;
  readonly #writes: WriteScheduler;
  readonly #channels: ChannelTable;
  readonly #idle: IdleTimer;
  readonly #starting: NodeJS.Immediate;
  #end: SessionEnd | null = null;
  /** This side destroyed it, before it had ended otherwise. */
  #destroyed = false;
  #refed = true;

  constructor(session: BackendSession, options: ConnOptions) {
    const bound = new ReadBudget(session, options.readQueueBytes);
    const writes = new WriteScheduler(session, options.writeQueueBytes, () => this.#idle.touch());
    const { timers = nodeTimers } = options;
    const parts = { session, bound, writes, timers };
    super(parts, 0);
    this.id = session.id;
    this.backend = options.backend;
    this.sessionIndex = session.index;
    this.server = options.server ?? null;
    this.peer = peerOf(session.peer ?? null);
    this.#session = session;
    this.#options = options;
    this.#timers = timers;
    this.#bound = bound;
    this.#writes = writes;
    this.#channels = new ChannelTable(
      session,
      (channel, owner) => {
        const flow = new SessionChannel(parts, this, channel, owner);
        flow.holdProcess(this.#refed);
        options.onChannelOpen?.(channel);
        void flow.closed.then((closed) => options.onChannelClose?.(channel, closed));
        return flow;
      },
      (data) => this.reads.push(data),
    );
    this.#idle = new IdleTimer(options.idleTimeout, () => this.#idled(), timers);
    // A failure to subscribe is told to whoever asks for the channel.
    for (const channel of options.channels) this.#channels.open(channel).catch(() => {});
    this.#starting = setImmediate(() => this.#start());
  }

  get channels(): readonly Channel[] {
    return Array.from(this.#channels.flows()).filter((flow) => !flow.left);
  }

  openChannel(channel: number, options?: OpOptions): Promise<Channel> {
    try {
      const signal = signalOf(options);
      const number = requireChannel(channel);
      this.#requireOpen('openChannel');
      if (signal?.aborted) throw signal.reason;
      // A Channel that was open when the session ended may hold messages.
      const open = this.#channels.opened(number);
      if (open === undefined && this.#end !== null) throw this.#ended('openChannel', this.#end);
      const opening = (open ?? this.#channels.open(number)).catch((error: unknown) => {
        throw located('openChannel', this.target, error);
      });
      return fromCaller(orAborted(opening, signal), signal);
    } catch (error) {
      return rejectFromCaller(error, this, 'openChannel', options?.signal);
    }
  }

  telemetry(options?: OpOptions): Promise<Telemetry> {
    return this.#ask('telemetry', options, () => this.#session.telemetry());
  }

  info(options?: OpOptions): Promise<SessionInfo> {
    return this.#ask('info', options, () => this.#session.info());
  }

  sessionState(options?: OpOptions): Promise<SessionStateName> {
    return this.#ask('sessionState', options, () => this.#session.state());
  }

  protected abandon(error: Error | undefined): void {
    this.reads.close(error);
    this.writer.destroy(error);
    // Also of a session that had ended: they may hold messages, and streams that wait for them to be read.
    for (const flow of this.#channels.flows()) flow.connDestroyed(error);
    if (this.#end !== null) return;
    this.#destroyed = true;
    const end = this.ending.destroyedBy(error);
    this.#finish(end);
    this.#session.destroy(end.error);
  }

  ref(): this {
    this.#hold(true);
    this.#session.ref();
    return this;
  }

  unref(): this {
    this.#hold(false);
    this.#session.unref();
    return this;
  }

  protected async shutDown(timeout: number): Promise<boolean> {
    this.#startClosingAll();
    if (this.#end !== null) return !this.#destroyed;
    const until = this.#timers.performance.now() + timeout;
    try {
      await this.ending.flush(this.#writes.flushed(), timeout);
      if (this.#ending() === null) {
        const closing = this.#session.close({
          timeout: Math.max(1, Math.ceil(until - this.#timers.performance.now())),
        });
        await Promise.race([closing, this.closed]);
        this.#finish({ by: 'local' });
      }
    } catch (error) {
      if (this.#destroyed) return false;
      const failed = located('close', this.target, error);
      if (this.#ending() === null) this.#giveUp(failed instanceof PoolError ? failed : this.#failed(failed));
      throw failed;
    }
    // What was written may be lost when the session failed before it was closed. Who destroyed it knows.
    if (this.#destroyed) return false;
    const end = this.#ending();
    if (end?.error !== undefined && end !== this.ending.own) throw located('close', this.target, end.error);
    return true;
  }

  override toJSON(): ConnJson {
    const { id, backend, sessionIndex } = this;
    return { id, backend, sessionIndex, ...super.toJSON() };
  }

  protected describe(): string {
    const ends = `${this.localAddr.toString()} -> ${this.remoteAddr.toString()}`;
    return `Conn { ${this.backend} ${ends}, session ${this.sessionIndex}, ${this.state} }`;
  }

  #startClosingAll(): void {
    this.startClosing();
    for (const flow of this.#channels.flows()) flow.connClosing();
  }

  /** As of now: it changes while something is awaited. */
  #ending(): SessionEnd | null {
    return this.#end;
  }

  #giveUp(error: PoolError): void {
    this.#finish({ by: 'error', error });
    this.#session.destroy(error);
  }

  #start(): void {
    if (this.#end !== null) return;
    const handler: SessionHandler = {
      message: (channel, data) => {
        this.#idle.touch();
        this.#channels.deliver(channel, data);
        return this.#bound.open();
      },
      drain: () => this.#writes.drained(),
      end: (end) => this.#finish(end),
      ...(this.#options.onRekey === undefined ? {} : { rekeyed: this.#options.onRekey }),
      ...(this.#options.onStall === undefined ? {} : { stalled: this.#options.onStall }),
    };
    this.#session.start(handler);
    // A drain from before the start had nobody to tell; asking once more loses nothing.
    this.#writes.drained();
  }

  /** The session is over, or given up. */
  #finish(reported: SessionEnd): void {
    if (this.#end !== null) return;
    const end: SessionEnd = reported.by === 'local' ? this.ending.own : reported;
    this.#end = end;
    clearImmediate(this.#starting);
    this.#idle.stop();
    if (reported.by === 'local') this.#startClosingAll();
    this.#channels.end(end);
    this.writer.end(end);
    this.reads.end(end);
    const closed = end.error === undefined ? end : { by: end.by, error: this.#describeEnd(end.error) };
    this.ending.settle(closed);
    this.#options.onClose?.(closed);
  }

  #idled(): boolean {
    // Who doesn't read is not idle, unless the peer doesn't read either.
    if (this.#bound.stopped && !this.#writes.underWay) return false;
    const reason = `nothing was sent or received for ${this.#options.idleTimeout} ms`;
    this.#finish({ by: 'error', error: new PoolError('ERR_POOL_TIMEOUT', reason) });
    // The peer is told as by any close; a peer that doesn't take it has been given up already.
    this.#session.close({ timeout: DEFAULT_CLOSE_TIMEOUT_MS }).catch(() => {});
    return true;
  }

  #hold(hold: boolean): void {
    this.#refed = hold;
    this.holdProcess(hold);
    for (const flow of this.#channels.flows()) flow.holdProcess(hold);
  }

  #ask<T>(
    op: 'telemetry' | 'info' | 'sessionState',
    options: OpOptions | undefined,
    ask: () => Promise<T>,
  ): Promise<T> {
    try {
      const signal = signalOf(options);
      this.#requireOpen(op);
      if (signal?.aborted) throw signal.reason;
      if (this.#end !== null) throw this.#gone(op, this.#end);
      const asked = ask().catch((error: unknown) => {
        throw located(op, this.target, error);
      });
      return fromCaller(orAborted(asked, signal), signal);
    } catch (error) {
      return rejectFromCaller<T, typeof op>(error, this, op, options?.signal);
    }
  }

  #requireOpen(op: string): void {
    if (this.reads.closed) throw closedHere(op, this.target);
  }

  #ended(op: string, end: SessionEnd): PoolError {
    if (end.error !== undefined) return endError(op, this.target, end.error);
    return opError(op, this.target, 'ERR_POOL_NOT_ESTABLISHED', 'the session was closed by the peer');
  }

  /** On both backends alike, whether or not the table shows an ended session for a while. */
  #gone(op: string, { error }: SessionEnd): PoolError {
    return opError(op, this.target, 'ERR_POOL_NOT_ESTABLISHED', 'the session is not in the table', { cause: error });
  }

  #failed(error: unknown): PoolError {
    return opError('close', this.target, 'ERR_POOL_PEER_LOST', messageOf(error), { cause: error });
  }

  /** The session's error says why; the Conn's says also where. */
  #describeEnd(error: PoolError): PoolError {
    const { address, port } = this.remoteAddr;
    if (error.address !== undefined) return error;
    return new PoolError(error.code, `${flowName(this.target)}: ${error.message}`, {
      address,
      port,
      cause: error,
    });
  }
}
