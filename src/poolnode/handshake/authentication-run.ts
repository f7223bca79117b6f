/**
 * Carries the exchange of proofs over the socket of a session that is not open yet (wire protocol, Authentication): bytes in,
 * bytes out, the program's decision about a proven key, and an end by refusal where it doesn't come to anything in time.
 */
import type { Socket } from 'node:net';
import type { PublicKey } from '../../base/public-key.js';
import { PoolError } from '../../base/errors.js';
import type { Clock } from '../clock.js';
import { DeadlineTimer } from '../session/deadline-timer.js';
import type { ProvenPeer } from '../protocol/authentication/types.js';
import type { Session, SessionEvent } from '../protocol/types.js';
import type { Role } from '../session-draws.js';
import { linger } from '../session/session-close.js';
import { hungUp, onHandshakeEnd } from '../socket-errors.js';
import type { SocketReader } from '../session/socket-reader.js';
import type { AdmitPeer, NodePeer } from '../types.js';

export interface AuthenticationRun {
  /** Connected. Paused again when `opened` is called. */
  socket: Socket;
  role: Role;
  /** Of the socket; stopped when `opened` is called. */
  reader: SocketReader;
  /** Behind its gate. */
  session: Session;
  clock: Clock;
  /** Monotonic ns; null where someone else sees to the time, and refuses. */
  deadline: bigint | null;
  admit: AdmitPeer;
  keepsAlive: boolean;
  /** Both sides are proven. `output` is to be written first, if the session is wanted. */
  opened(peer: NodePeer, output: Uint8Array): void;
  /** It came to nothing. Where `lingers`, CLOSE is under way and the socket ends by itself; otherwise it is the caller's to destroy. */
  failed(error: PoolError, lingers: boolean): void;
}

export interface AuthenticationHandle {
  /** Gives up without a word; nothing is called after that. */
  cancel(): void;
  refuse(error: PoolError): void;
}

export function runAuthentication(run: AuthenticationRun): AuthenticationHandle {
  const { socket, reader, session, clock } = run;
  /** Of a decision that is waited for and looked at its signal: to make one costs, and to abort one makes an error with a stack. */
  let asked: AbortController | null = null;
  let admitted: PublicKey | null = null;
  let over = false;

  const onData = (chunk: Uint8Array): void => {
    session.receive(chunk);
    step();
    if (reader.reuses) session.detachInput();
  };

  const stop = (): void => {
    over = true;
    timer.stop();
    reader.stop();
    unlisten();
    asked?.abort();
  };

  const output = (): Uint8Array => {
    const bytes = Buffer.concat(session.takeOutput());
    session.outputWritten();
    return bytes;
  };

  const fail = (error: PoolError): void => {
    if (over) return;
    stop();
    const last = session.hasOutput ? output() : null;
    session.forget();
    const lingers = last !== null && !socket.destroyed;
    if (lingers) {
      socket.end(last);
      // What still comes is of no interest, but has to be read.
      reader.start(socket, () => {});
      linger(socket);
    }
    run.failed(error, lingers);
  };

  const take = (event: SessionEvent): void => {
    switch (event.type) {
      case 'peer-proven':
        return ask(event.publicKey);
      case 'authenticated':
        stop();
        socket.pause();
        run.opened(peerOf(event.peer, admitted), session.hasOutput ? output() : new Uint8Array(0));
        return;
      case 'failed':
        return fail(event.error);
      default:
        return fail(new PoolError('ERR_POOL_AUTH_FAILED', `the peer was refused: ${event.type} before it was proven`));
    }
  };

  const step = (): void => {
    while (!over) {
      const event = session.next(clock());
      if (event === null) break;
      take(event);
    }
    if (over) return;
    if (session.hasOutput) socket.write(output());
    session.workAhead();
    // The nearer of them as a rule, so that the timer is set once.
    timer.within(session.nextTimeout());
    timer.within(run.deadline);
  };

  const ask = (publicKey: Uint8Array): void => {
    const decision = {
      get signal() {
        asked ??= new AbortController();
        return asked.signal;
      },
    };
    try {
      const answer = run.admit(publicKey, decision);
      if (answer !== null && typeof answer === 'object' && 'then' in answer)
        void answer.then(answered, () => answered(null));
      else decide(answer);
    } catch {
      decide(null);
    }
  };

  const answered = (answer: PublicKey | null): void => {
    asked = null;
    decide(answer);
    step();
  };

  /** Whoever calls this takes the events that come of it. */
  const decide = (answer: PublicKey | null): void => {
    if (over) return;
    admitted = answer ?? null;
    session.decide(admitted !== null, clock());
  };

  const refuse = (error: PoolError): void => {
    if (over) return;
    session.refuse(error, clock());
    step();
  };

  const timer = new DeadlineTimer(clock, (now) => {
    if (run.deadline !== null && run.deadline <= now) return refuse(notInTime());
    session.handleTimeout(now);
    step();
  });
  timer.reference(run.keepsAlive);

  // Without CLOSE it is no refusal: the other side is gone, or its table is full.
  const unlisten = onHandshakeEnd(socket, run.role, fail);
  if (socket.destroyed) fail(hungUp(run.role));
  else {
    reader.start(socket, onData);
    step();
    if (!over) socket.resume();
  }
  return {
    cancel: () => {
      if (over) return;
      stop();
      session.forget();
      socket.pause();
    },
    refuse,
  };
}

/** The exchange, the decision of the program included, had its time. */
export function notInTime(): PoolError {
  return new PoolError(
    'ERR_POOL_AUTH_FAILED',
    'the peer was refused: it did not prove in time who it is; perhaps it was not set up to',
  );
}

function peerOf(proven: ProvenPeer, admitted: PublicKey | null): NodePeer {
  if (proven === null) return null;
  return proven.method === 'psk' ? { method: 'psk' } : { method: 'key', key: admitted! };
}
