/**
 * Carries one handshake over its socket: bytes in, bytes out, a deadline for what the peer owes next, and the puzzle in
 * slices between which the event loop turns.
 */
import type { Socket } from 'node:net';
import type { SessionStateName } from '../../base/session.js';
import { messageOf, PoolError } from '../../base/errors.js';
import { type AuthenticationHandle, runAuthentication } from './authentication-run.js';
import type { Clock } from '../clock.js';
import { DeadlineTimer } from '../session/deadline-timer.js';
import type { Handshake, Session } from '../protocol/types.js';
import type { Role } from '../session-draws.js';
import { hungUp, onHandshakeEnd } from '../socket-errors.js';
import type { SocketReader } from '../session/socket-reader.js';
import type { AdmitPeer, NodePeer } from '../types.js';
import { setImmediate } from '../../base/timers.js';

/** What the peer owes in a state of the handshake, and until when (monotonic ns). */
export interface Expectation {
  deadline: bigint;
  /** For the error's message: what did not come in which time. */
  overdue: string;
}

export interface HandshakeRun {
  /** Connected and paused. Paused again when `established` is called; what it has not given out then is not lost. */
  socket: Socket;
  /** Which end this is. */
  role: Role;
  /** Of the socket; stopped when `established` is called. */
  reader: SocketReader;
  handshake: Handshake;
  clock: Clock;
  /** Asked whenever the handshake's state changes. Null: someone else sees to the time, and cancels. */
  expect(state: SessionStateName, now: bigint): Expectation | null;
  /** Whether waiting keeps the process alive. */
  keepsAlive: boolean;
  /** Of a client: RESPONSE waits until this has settled. */
  beforeResponse?: (() => Promise<void>) | undefined;
  /** Whether nobody else wants this process now: then it may do ahead what the peer's next packet will want. */
  idle?: (() => boolean) | undefined;
  /** Where the peer must prove who it is. */
  authentication?: HandshakeAuthentication | undefined;
  /**
   * Both sides hold the keys, and are proven where that was asked. `output` is to be written first, if the session is wanted;
   * one that isn't is to `forget`.
   */
  established(session: Session, output: Uint8Array, peer: NodePeer): void;
  /** The handshake is over without a session. The socket is the caller's to destroy, unless it `lingers` and ends by itself. */
  failed(error: PoolError, lingers: boolean): void;
}

export interface HandshakeAuthentication {
  admit: AdmitPeer;
  /** Monotonic ns by which the exchange must be over; null where someone else sees to the time. */
  deadline: (now: bigint) => bigint | null;
  /** The keys are there and the exchange is about to begin: false ends the run here, without a call. */
  begin: () => boolean;
}

/** A handshake under way. */
export interface HandshakeHandle {
  /** Gives up at once; neither `established` nor `failed` is called after that. */
  cancel: () => void;
  /** While the peer is to prove who it is: refuses it, which `failed` tells. True where that was so. */
  refuse: (error: PoolError) => boolean;
}

export function runHandshake(run: HandshakeRun): HandshakeHandle {
  const { socket, reader, handshake, clock } = run;
  let over = false;
  let cancelled = false;
  let state: SessionStateName | undefined;
  let expectation: Expectation | null = null;
  let authentication: AuthenticationHandle | null = null;

  const onData = (chunk: Uint8Array): void => {
    handshake.receive(chunk);
    if (!handshake.busy) step();
    // What is left of it may be the session's already.
    if (reader.reuses) handshake.detachInput();
  };

  const stop = (): void => {
    letGo();
    socket.pause();
  };

  /** Hands the socket on to what reads at once: to pause between would only be taken back. */
  const letGo = (): void => {
    over = true;
    timer.stop();
    reader.stop();
    unlisten();
  };

  const fail = (error: PoolError): void => {
    if (over) return;
    stop();
    handshake.abandon();
    run.failed(error, false);
  };

  const advance = (now: bigint): Session | null => {
    try {
      return handshake.advance(now);
    } catch (error) {
      fail(error instanceof PoolError ? error : unexpected(error));
      return null;
    }
  };

  const step = (): void => {
    if (over) return;
    const now = clock();
    const session = advance(now);
    if (over) return;
    const output = Buffer.concat(handshake.takeOutput());
    if (session !== null) {
      if (session.authenticating && run.authentication !== undefined) {
        letGo();
        return prove(session, output, run.authentication, now);
      }
      stop();
      run.established(session, output, null);
      return;
    }
    if (handshake.state !== state) {
      state = handshake.state;
      expectation = run.expect(state, now);
    }
    if (output.length > 0) write(output);
    if (expectation !== null) timer.within(expectation.deadline);
    timer.within(handshake.nextTimeout());
    if (handshake.busy) {
      // Nothing is read meanwhile, so that a peer can't fill our memory while we work for it.
      socket.pause();
      setImmediate(step);
    } else {
      socket.resume();
      // The output is written: the peer has work of its own now.
      if (run.idle?.() === true) handshake.workAhead();
    }
  };

  const write = (output: Uint8Array): void => {
    // All that a client writes between CHALLENGE and its session is RESPONSE.
    if (run.beforeResponse === undefined || state !== 'CHALLENGED') {
      socket.write(output);
      return;
    }
    // The peer owes nothing until it has that.
    expectation = null;
    void run.beforeResponse().then(() => {
      if (over) return;
      socket.write(output);
      expectation = run.expect('CHALLENGED', clock());
      if (expectation !== null) timer.within(expectation.deadline);
    });
  };

  const prove = (
    session: Session,
    output: Uint8Array,
    { admit, deadline, begin }: HandshakeAuthentication,
    now: bigint,
  ): void => {
    if (!begin()) {
      session.forget();
      socket.pause();
      return;
    }
    // A listener's ACK and, behind it, its offer: the dialler is at work with them while this side gets ready for its answer.
    if (output.length > 0) socket.write(output);
    const { role, keepsAlive } = run;
    authentication = runAuthentication({
      socket,
      role,
      reader,
      session,
      clock,
      deadline: deadline(now),
      admit,
      keepsAlive,
      opened: (peer, last) => run.established(session, last, peer),
      failed: (error, lingers) => run.failed(error, lingers),
    });
    // By a decision that was asked for from within: the handle was not there yet.
    if (cancelled) authentication.cancel();
  };

  const timer = new DeadlineTimer(clock, (now) => {
    if (expectation !== null && expectation.deadline <= now) {
      fail(new PoolError('ERR_POOL_TIMEOUT', expectation.overdue));
    } else if (!handshake.busy) {
      step();
    }
  });
  timer.reference(run.keepsAlive);

  const unlisten = onHandshakeEnd(socket, run.role, fail);
  if (socket.destroyed) fail(hungUp(run.role));
  else {
    reader.start(socket, onData);
    step();
  }
  return {
    cancel: () => {
      cancelled = true;
      if (!over) {
        stop();
        handshake.abandon();
      }
      authentication?.cancel();
    },
    refuse: (error) => {
      authentication?.refuse(error);
      return authentication !== null;
    },
  };
}

function unexpected(error: unknown): PoolError {
  return new PoolError('ERR_POOL_PROTOCOL', `the handshake failed: ${messageOf(error)}`, { cause: error });
}
