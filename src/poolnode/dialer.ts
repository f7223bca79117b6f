/** Dials: TCP, the client's handshake, a slot. */
import type { Socket } from 'node:net';
import type { SessionStateName } from '../base/session.js';
import { PoolError } from '../base/errors.js';
import { guardLookup } from '../base/lookup.js';
import { bare } from '../base/own-properties.js';
import { asRejection, onAbort, throwIfAborted } from '../base/abort.js';
import { checkInteger, checkString } from '../base/arguments.js';
import { checkTimeout, checkWriteStallTimeout } from './arguments.js';
import { nanoseconds } from './clock.js';
import {
  AUTHENTICATION_TIMEOUT_MS,
  CHALLENGE_TIMEOUT_MS,
  COMPLETION_TIMEOUT_MS,
  CONNECT_TIMEOUT_MS,
  MAX_DIAL_TRIES,
} from './constants.js';
import { endpointsOf } from './endpoint.js';
import { runHandshake, type Expectation } from './handshake/handshake-run.js';
import { keepErrorsHandled, protocolConfig, selfSecret, sessionMaker, type NodeDeps } from './node-deps.js';
import { isSequenceCollision, type Session } from './protocol/index.js';
import type { Reservation } from './session/session-table.js';
import { handshakeSocketError, hungUp } from './socket-errors.js';
import { SocketReader } from './session/socket-reader.js';
import type { TcpSession } from './session/tcp-session.js';
import type { NodeDialOptions, NodePeer, NodeSession } from './types.js';
import { clearTimeout, LONGEST_TIMER_MS, setTimeout } from '../base/timers.js';

/** {@link NodeDialOptions}, checked. */
interface AttemptOptions extends NodeDialOptions {
  writeStallTimeout: number;
  times: DialTimes;
  place: Reservation<TcpSession>;
}

/** Times of one try, ms. */
interface DialTimes {
  connect: number;
  challenge: number;
  completion: number;
}

/**
 * A slot is kept for the dial from its start, so that a full table shows before any I/O; it gets its number when the session
 * is there. Gives up, leaving nothing behind, as soon as the signal says so.
 */
export async function dialFrom(node: NodeDeps, options: NodeDialOptions): Promise<NodeSession> {
  const { signal } = options;
  checkString('host', options.host);
  checkInteger('port', options.port, 1, 65535);
  const times: DialTimes = {
    connect: checkTimeout('connectTimeout', options.connectTimeout, CONNECT_TIMEOUT_MS),
    challenge: checkTimeout('challengeTimeout', options.challengeTimeout, CHALLENGE_TIMEOUT_MS),
    completion: checkTimeout('completionTimeout', options.completionTimeout, COMPLETION_TIMEOUT_MS),
  };
  const writeStallTimeout = checkWriteStallTimeout(options.writeStallTimeout);
  throwIfAborted(signal);
  const place = node.table.reserve();
  try {
    const session = await attemptUntilApart(node, { ...options, writeStallTimeout, times, place });
    if (signal?.aborted) session.destroy();
    throwIfAborted(signal);
    return session;
  } finally {
    place.cancel();
  }
}

/** Tries again where the peer's random sequence numbers came too near to ours: the next try draws new ones. */
async function attemptUntilApart(node: NodeDeps, options: AttemptOptions): Promise<TcpSession> {
  const { connect, challenge, completion } = options.times;
  const deadline = node.clock() + nanoseconds(connect + challenge + completion);
  for (let tries = 1; ; tries++) {
    try {
      return await attempt(node, options);
    } catch (error) {
      if (!isSequenceCollision(error) || tries === MAX_DIAL_TRIES || node.clock() > deadline) throw error;
      throwIfAborted(options.signal);
    }
  }
}

/** One try. Settles once; after that nothing of it is left but the session. */
function attempt(node: NodeDeps, options: AttemptOptions): Promise<TcpSession> {
  const { host, port, lookup, signal, writeStallTimeout, times, place } = options;
  return new Promise((resolve, reject) => {
    const reader = new SocketReader(true);
    const { onread } = reader;
    const socket = node.connect(
      bare({
        host,
        port,
        ...(lookup === undefined ? {} : { lookup: guardLookup(lookup) }),
        autoSelectFamily: false,
        allowHalfOpen: true,
        noDelay: true,
        ...(onread === undefined ? {} : { onread }),
      }),
    );
    keepErrorsHandled(socket);
    let giveUp = (): void => {};

    const settle = (): void => {
      clearTimeout(connectTimer);
      unlisten();
      socket.off('connect', onConnect).off('error', onError).off('close', onClose);
      giveUp();
    };
    const fail = (reason: Error, lingers = false): void => {
      settle();
      if (!lingers) socket.destroy();
      reject(reason);
    };
    const onError = (error: Error): void => fail(handshakeSocketError(error, 'client'));
    const onClose = (): void => fail(hungUp('client'));
    const onConnect = (): void => {
      clearTimeout(connectTimer);
      socket.off('error', onError).off('close', onClose);
      giveUp = clientHandshake(node, socket, reader, options, {
        established: (protocol, peer) => {
          const ends = endpointsOf(socket);
          if (ends === null) {
            protocol.forget();
            return fail(hungUp('client'));
          }
          settle();
          resolve(place.fill(sessionMaker(node, { socket, reader, protocol, peer, writeStallTimeout, ...ends })));
        },
        failed: fail,
      });
    };

    const connectTimer = setTimeout(
      () =>
        fail(new PoolError('ERR_POOL_TIMEOUT', `no TCP connection within ${times.connect} ms`, { syscall: 'connect' })),
      Math.min(times.connect, LONGEST_TIMER_MS),
    );
    const unlisten = onAbort(signal, (reason) => fail(asRejection(reason)));
    socket.once('connect', onConnect).once('error', onError).once('close', onClose);
  });
}

interface DialOutcome {
  established: (session: Session, peer: NodePeer) => void;
  failed: (error: PoolError, lingers: boolean) => void;
}

function clientHandshake(
  node: NodeDeps,
  socket: Socket,
  reader: SocketReader,
  { authentication, beforeResponse, times }: AttemptOptions,
  outcome: DialOutcome,
): () => void {
  /** When the handshake has to be complete; the proofs are part of it. */
  let due: bigint | null = null;
  const { cancel } = runHandshake({
    socket,
    role: 'client',
    reader,
    handshake: node.protocol.createClientHandshake({
      ...protocolConfig(node, 'client'),
      ...(authentication && { credentials: { ...authentication.credentials, self: selfSecret(node) } }),
    }),
    clock: node.clock,
    expect: (state, now) => {
      const expected = expectation(state, now, times);
      if (state === 'CHALLENGED') due = expected.deadline;
      return expected;
    },
    keepsAlive: true,
    // What a dialler does ahead is little, and wanted whatever else this process does.
    idle: () => true,
    beforeResponse,
    authentication: authentication && {
      admit: authentication.admit,
      deadline: (now) => {
        const last = now + nanoseconds(AUTHENTICATION_TIMEOUT_MS);
        return due !== null && due < last ? due : last;
      },
      begin: () => true,
    },
    established: (session, output, peer) => {
      if (output.length > 0) socket.write(output);
      outcome.established(session, peer);
    },
    failed: outcome.failed,
  });
  return cancel;
}

/**
 * The two phases after TCP's: until CHALLENGE is here, and until the peer has shown that it holds the keys, and who it is where
 * that is asked.
 */
function expectation(state: SessionStateName, now: bigint, { challenge, completion }: DialTimes): Expectation {
  const [ms, what] =
    state === 'CHALLENGED' ? [completion, 'no completion of the handshake'] : [challenge, 'no answer to INIT'];
  return { deadline: now + nanoseconds(ms), overdue: `${what} within ${ms} ms` };
}
