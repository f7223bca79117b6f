/**
 * A session of the node: the protocol's Session and its socket, joined. It decides nothing about the protocol; it feeds
 * bytes, hands events to the owner, flushes output, and keeps the one timer. Which of socket, timer, peer and owner ends
 * a session first is decided here; input and output are session-input and socket-output.
 */
import type { Socket } from 'node:net';
import type { Endpoint, RawTelemetry, SessionEnd, SessionHandler, SessionStateName } from '../../base/session.js';
import { messageOf, PoolError } from '../../base/errors.js';
import { ChannelSet } from './channel-set.js';
import { type Clock, nanoseconds } from '../clock.js';
import { CLOSE_TIMEOUT_MS, MAX_MESSAGE_SIZE } from '../constants.js';
import { DeadlineTimer } from './deadline-timer.js';
import type { Session } from '../protocol/types.js';
import { beginClosing, linger, lingerForSlowReader, type Closing } from './session-close.js';
import { SessionInput } from './session-input.js';
import { sessionSocketError } from '../socket-errors.js';
import { SocketOutput, type Sent } from './socket-output.js';
import type { SocketReader } from './socket-reader.js';
import { StallWatch } from './stall-watch.js';
import { WriteStall } from './write-stall.js';
import type { NodePeer, NodeSession, NodeSessionInfo } from '../types.js';
import { nextTick, type TimerFunctions } from '../../base/timers.js';

export interface TcpSessionDeps {
  index: number;
  /** Connected, allowHalfOpen, and nobody else's from here on. */
  socket: Socket;
  reader: SocketReader;
  protocol: Session;
  local: Endpoint;
  remote: Endpoint;
  peer: NodePeer;
  clock: Clock;
  /** Node's; they go with the clock. */
  timers?: TimerFunctions;
  /** ms in which a socket that takes nothing ends a session that reads nothing; 0 for never. */
  writeStallTimeout: number;
  /** The slot stays until `release()` is called. */
  retainEnded: boolean;
  /** Frees the slot. */
  release(session: TcpSession): void;
}

export class TcpSession implements NodeSession {
  readonly index: number;
  readonly id: Uint8Array;
  readonly role: 'client' | 'server';
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly peer: NodePeer;
  readonly maxMessageSize = MAX_MESSAGE_SIZE;

  readonly #socket: Socket;
  readonly #protocol: Session;
  readonly #clock: Clock;
  readonly #deps: TcpSessionDeps;
  readonly #input: SessionInput;
  readonly #output: SocketOutput;
  readonly #timer: DeadlineTimer;
  readonly #stall: StallWatch;
  readonly #writeStall: WriteStall;
  readonly #channels = new ChannelSet();
  /** The time of the messages that wait for the end of the tick. */
  #now: bigint;
  #tick = -1;
  #handler: SessionHandler | null = null;
  #closing: Closing | null = null;
  /** Set once, and told to the handler one turn later. */
  #end: SessionEnd | null = null;
  #endTold = false;
  #socketGone = false;
  /** The connection failed while messages that came before were still to be delivered. */
  #broken: PoolError | null = null;
  /** The peer's CLOSE came while ours was on its way. */
  #peerClosed = false;
  #retain: boolean;

  constructor(deps: TcpSessionDeps) {
    const { socket, protocol, clock } = deps;
    this.#deps = deps;
    this.index = deps.index;
    this.id = protocol.id;
    this.role = protocol.role;
    this.local = deps.local;
    this.remote = deps.remote;
    this.peer = deps.peer;
    this.#socket = socket;
    this.#protocol = protocol;
    this.#clock = clock;
    this.#now = clock();
    this.#retain = deps.retainEnded;
    const threw = (error: unknown): void => this.#ownerThrew(error);
    this.#output = new SocketOutput(socket, protocol, { room: () => this.#handler?.drain(), threw });
    this.#input = new SessionInput(socket, protocol, clock, {
      message: (channel, data) => this.#handler!.message(channel, data),
      rekeyed: (count) => this.#handler?.rekeyed?.(count),
      closed: () => this.#closedByPeer(),
      failed: (error) => this.#fail(error),
      worked: () => this.#afterWork(),
      threw,
    });
    this.#stall = new StallWatch(this.#input);
    this.#writeStall = new WriteStall(this.#input, socket, nanoseconds(deps.writeStallTimeout));
    this.#timer = new DeadlineTimer(clock, (now) => this.#atDeadline(now), deps.timers);
    deps.reader.start(socket, (chunk) => {
      this.#input.receive(chunk);
      if (deps.reader.reuses) protocol.detachInput();
    });
    socket.on('end', () => this.#finReceived());
    socket.on('error', (error) => this.#connectionFailed(sessionSocketError(error)));
    socket.on('close', () => this.#socketClosed());
    this.#afterWork();
  }

  get state(): SessionStateName {
    return this.#end === null ? this.#protocol.state : 'CLOSING';
  }

  start(handler: SessionHandler): void {
    if (this.#handler !== null) throw new PoolError('ERR_INVALID_ARG_VALUE', 'the session was started already');
    this.#handler = handler;
    if (this.#end === null) this.#input.resume();
    else nextTick(() => this.#tellEnd());
  }

  send(channel: number, data: Uint8Array, done?: Sent): boolean {
    const refused = this.#broken ?? this.#refusal();
    if (refused !== null) return this.#refuse(refused, done);
    try {
      // One reading serves all that leaves with one flush.
      if (!this.#output.scheduled || this.#tick !== this.#output.tick) {
        this.#now = this.#clock();
        this.#tick = this.#output.tick;
      }
      this.#protocol.sendMessage(channel, data, this.#now);
    } catch (error) {
      // A wrong argument is the caller's. Otherwise the session failed, and says so in its next event.
      if (this.#protocol.state !== 'CLOSING') throw error;
      nextTick(() => this.#input.pump());
      return this.#refuse(error as PoolError, done);
    }
    return this.#output.sent(data.length, done);
  }

  get flush(): object {
    return this.#output.flushing;
  }

  #refuse(error: PoolError, done: Sent | undefined): false {
    if (done !== undefined) this.#output.refuse(error, done);
    return false;
  }

  /** Why a message can't be sent; null while it can. */
  #refusal(): PoolError | null {
    if (this.#end?.error !== undefined) return this.#end.error;
    if (this.#end?.by === 'remote') return closedByPeer();
    return this.#end !== null || this.#closing !== null ? closedHere() : null;
  }

  pause(): void {
    this.#input.pause();
    this.#afterWork();
  }

  resume(): void {
    if (this.#handler !== null) this.#input.resume();
  }

  setQueueDepth(messages: number): void {
    this.#protocol.queueDepth = messages;
  }

  subscribe(channel: number): void {
    this.#channels.add(channel);
  }

  unsubscribe(channel: number): void {
    this.#channels.delete(channel);
  }

  channels(): Uint8Array {
    return this.#channels.toBytes();
  }

  close({ timeout = CLOSE_TIMEOUT_MS }: { timeout?: number } = {}): Promise<void> {
    if (this.#closing !== null) return this.#closing.promise;
    if (this.#broken !== null) this.#fail(this.#broken);
    if (this.#end !== null) return Promise.resolve();
    this.#closing = beginClosing(
      timeout,
      () => {
        this.#fail(new PoolError('ERR_POOL_TIMEOUT', `the peer did not take what was sent within ${timeout} ms`));
      },
      this.#deps.timers,
    );
    this.#timer.stop();
    this.#protocol.close(this.#clock());
    this.#output.finish();
    // What the peer still sends must be read while we wait, or two full sockets would wait for each other.
    this.#input.discard();
    this.#socket.ref();
    this.#socket.once('finish', () => {
      this.#finish({ by: 'local' });
      lingerForSlowReader(this.#socket, this.#deps.timers);
    });
    this.#socket.end();
    return this.#closing.promise;
  }

  destroy(error?: PoolError): void {
    this.#closing?.settle(error ?? closedHere());
    this.#finish(error ? { by: 'error', error } : { by: 'local' });
    this.#input.stop();
    this.#socket.destroy();
  }

  info(): NodeSessionInfo {
    const { index, id, role, local, remote, state } = this;
    return { index, id, role, local, remote, state, ...this.#protocol.counters, telemetry: this.telemetry() };
  }

  telemetry(): RawTelemetry {
    return this.#protocol.telemetry(this.#clock(), this.#protocol.queueDepth);
  }

  peerTelemetry(): RawTelemetry | null {
    return this.#protocol.peerTelemetry();
  }

  ref(): void {
    this.#reference(true);
  }

  unref(): void {
    this.#reference(false);
  }

  release(): void {
    this.#retain = false;
    if (this.#end !== null) this.#deps.release(this);
  }

  #reference(keepsAlive: boolean): void {
    // A close in progress keeps the process alive whatever was asked before, and an ended session never does.
    if (this.#closing !== null || this.#end !== null) return;
    // A socket that is not being read keeps no process alive; the timer does it for both.
    this.#timer.reference(keepsAlive);
    if (keepsAlive) this.#socket.ref();
    else this.#socket.unref();
  }

  /** After the protocol worked: what it wants to send, and when it wants to be asked next. */
  #afterWork(): void {
    if (this.#end !== null || this.#closing !== null) return;
    if (this.#protocol.hasOutput) this.#output.schedule();
    this.#armTimer();
  }

  #armTimer(): void {
    this.#timer.within(this.#protocol.nextTimeout());
    this.#timer.within(this.#writeStall.deadline);
    // Before `start` there is nobody to tell.
    if (this.#handler !== null) this.#timer.within(this.#stall.deadline);
  }

  #atDeadline(now: bigint): void {
    const due = this.#protocol.nextTimeout();
    if (due !== null && due <= now) this.#protocol.handleTimeout(now);
    if (this.#writeStall.check(now)) return this.#fail(this.#stuck());
    this.#reportStall(now);
    this.#input.pump();
  }

  #reportStall(now: bigint): void {
    const ms = this.#handler === null ? null : this.#stall.check(now);
    if (ms === null) return;
    try {
      this.#handler?.stalled?.(ms);
    } catch (error) {
      this.#ownerThrew(error);
    }
  }

  #stuck(): PoolError {
    const { writeStallTimeout } = this.#deps;
    const reason = `the peer took nothing of what was sent for ${writeStallTimeout} ms (writeStallTimeout)`;
    return new PoolError('ERR_POOL_TIMEOUT', `${reason}, and nothing is read before that`);
  }

  #finReceived(): void {
    if (this.#end === null && this.#closing === null) this.#input.end('fin');
  }

  #socketClosed(): void {
    this.#socketGone = true;
    if (this.#end !== null) this.#protocol.forget();
    else this.#connectionFailed(new PoolError('ERR_POOL_PEER_LOST', 'the connection is gone'));
  }

  #connectionFailed(error: PoolError): void {
    if (this.#end !== null) return;
    // Both sides said CLOSE: that the connection then goes is no loss.
    if (this.#peerClosed) return this.#finish({ by: 'local' });
    if (this.#closing !== null) return this.#fail(error);
    this.#broken ??= error;
    this.#output.fail(this.#broken);
    this.#input.end(this.#broken);
  }

  #closedByPeer(): void {
    // Two closes that crossed: ours goes on to its own end.
    this.#peerClosed = this.#closing !== null;
    if (this.#peerClosed) return;
    this.#finish({ by: 'remote' });
    this.#socket.end();
    linger(this.#socket, this.#deps.timers);
  }

  #ownerThrew(error: unknown): void {
    const reason = messageOf(error);
    // Of a session that is gone already, all that is left is to not lose the fault.
    if (this.#end !== null) process.emitWarning(error instanceof Error ? error : reason);
    else this.destroy(new PoolError('ERR_POOL_CLOSED', `the owner of the session threw: ${reason}`, { cause: error }));
  }

  #fail(error: PoolError): void {
    this.#finish({ by: 'error', error });
    this.#input.stop();
    this.#socket.destroy();
  }

  /** Ends the session, once. The slot is free from here on; whoever waits is told in the next turn, never from within a call. */
  #finish(end: SessionEnd): void {
    if (this.#end !== null) return;
    this.#end = end;
    this.#timer.stop();
    this.#output.stop();
    // Until the socket is gone what the peer still sends is checked with its keys; what came before that may be held after it.
    if (this.#socketGone) this.#protocol.forget();
    if (!this.#retain) this.#deps.release(this);
    nextTick(() => {
      this.#output.fail(this.#refusal() ?? closedHere());
      this.#closing?.settle(end.error);
      this.#tellEnd();
    });
  }

  #tellEnd(): void {
    if (this.#end === null || this.#handler === null || this.#endTold) return;
    this.#endTold = true;
    try {
      this.#handler.end(this.#end);
    } catch (error) {
      this.#ownerThrew(error);
    }
  }
}

function closedHere(): PoolError {
  return new PoolError('ERR_POOL_CLOSED', 'the session was closed on this side');
}

function closedByPeer(): PoolError {
  return new PoolError('ERR_POOL_NOT_ESTABLISHED', 'the peer closed the session');
}
