/**
 * Two Conns on sessions of a node, handshake, encryption and timers included, joined in memory and in virtual time: hours of
 * heartbeats, rekeying, deadlines and silent peers take a test some milliseconds.
 */
import { refuseUnknown } from '../base/option-names.js';
import { bare } from '../base/own-properties.js';
import type { Conn } from '../pool/flow/conn.js';
import { connMaker } from '../pool/flow/conn-events.js';
import { openConn } from '../pool/flow/session-conn.js';
import { readDialOptions } from '../pool/options.js';
import { UserSession } from '../pool/user-backend.js';
import { loadCryptography } from '../poolnode/crypto/cryptography.js';
import { drawInitialSequence, drawTimestampOffset } from '../poolnode/session-draws.js';
import { endpoint } from '../poolnode/endpoint.js';
import { createClientHandshake, createServerHandshake, type Crypto, type Session } from '../poolnode/protocol/index.js';
import { SocketReader } from '../poolnode/session/socket-reader.js';
import { TcpSession } from '../poolnode/session/tcp-session.js';
import { type Link, memorySockets } from './memory-socket.js';
import { TestClock, type VirtualClock } from './virtual-clock.js';

/** As the options of `dial` of the same names; of both ends. */
export interface VirtualPairOptions {
  /** Bytes that an end may hold unread before it stops reading. Default 1 MiB. */
  readQueueBytes?: number;
  /** Bytes that may wait to be sent before writers wait. Default 1 MiB. */
  writeQueueBytes?: number;
  /** ms without a message in either direction after which the session ends; 0, the default, is never. */
  idleTimeout?: number;
  /** ms in which a peer that takes nothing ends a session that reads nothing; 0 is never. Default 60 000. */
  writeStallTimeout?: number;
  /** Channels, 1 to 255, that are open before the first receive. */
  channels?: readonly number[];
}

/** What is between the two ends of a virtual pair. */
export interface VirtualNetwork {
  /** ms, of the pair's own time, that bytes take from here on, either way. 0 at first. */
  latency: number;
  /** Whether nothing arrives from here on, as when a route is gone: neither end is told. */
  silent: boolean;
}

/** Two ends of a session, and the time in which it lives. */
export interface VirtualPair {
  readonly client: Conn;
  readonly server: Conn;
  readonly clock: VirtualClock;
  readonly network: VirtualNetwork;
}

const OPTIONS = ['readQueueBytes', 'writeQueueBytes', 'idleTimeout', 'writeStallTimeout', 'channels'] as const;

/** Puzzles of a handshake that nobody attacks. */
const DIFFICULTY = 1;

/**
 * Makes two Conns on a session of the user backend, in a time of their own that `clock.advance` moves: deadlines, idle and
 * close timeouts, heartbeats, the loss of a silent peer and rekeying happen in it. A deadline is set as ever, from
 * `Date.now()`; what counts is how far away it is. Signals and the program's own timers live in the time of the machine.
 * @throws (rejects) PoolError as `dial` for an option
 * @example
 * const { client, server, clock } = await virtualPair();
 * client.setReadDeadline(Date.now() + 30_000);
 * const reading = client.readMessage().catch((error) => error.code);
 * await clock.advance(30_000);
 * console.log(await reading); // ERR_POOL_TIMEOUT
 */
export async function virtualPair(options: VirtualPairOptions = {}): Promise<VirtualPair> {
  refuseUnknown(options, OPTIONS);
  const settings = readDialOptions(options);
  const { crypto } = await loadCryptography();
  const clock = new TestClock();
  const { timers, nanoseconds } = clock;
  const network: Link = { latency: 0, silent: false };
  const sockets = memorySockets(clock, network);
  const ends = [endpoint('127.0.0.1', 1), endpoint('127.0.0.1', 9253)] as const;
  const [client, server] = handshake(crypto, nanoseconds()).map((protocol, index) => {
    const session = new TcpSession(
      bare({
        index,
        socket: sockets[index]!,
        reader: new SocketReader(),
        protocol,
        local: ends[index]!,
        remote: ends[1 - index]!,
        peer: null,
        clock: nanoseconds,
        timers,
        writeStallTimeout: settings.writeStallTimeout,
        retainEnded: false,
        release: () => undefined,
      }),
    );
    const make = connMaker('user', settings, (backend, conn) => openConn(backend, { ...conn, timers }));
    return make(new UserSession(session), protocol.role);
  }) as [Conn, Conn];
  return { client, server, clock, network };
}

/** Both ends of a session, in no time. */
function handshake(crypto: Crypto, now: bigint): [Session, Session] {
  const draw = (size: number): Uint8Array => crypto.randomBytes(size);
  const config = (role: 'client' | 'server') => ({
    crypto,
    initialSequence: drawInitialSequence(role, draw),
    timestampOffset: drawTimestampOffset(draw),
  });
  const client = createClientHandshake(config('client'));
  const server = createServerHandshake({ ...config('server'), difficulty: DIFFICULTY });
  let [dialled, accepted]: [Session | null, Session | null] = [null, null];
  while (dialled === null || accepted === null) {
    dialled ??= client.advance(now);
    for (const bytes of client.takeOutput()) server.receive(bytes);
    accepted ??= server.advance(now);
    for (const bytes of server.takeOutput()) (dialled ?? client).receive(bytes);
  }
  return [dialled, accepted];
}
