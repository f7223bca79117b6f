import type { Socket } from 'node:net';
import type { RefuseReason } from '../../base/session.js';
import type { PoolError } from '../../base/errors.js';
import type { Ticket } from './admission.js';
import { notInTime } from './authentication-run.js';
import type { HandshakeQueue } from './handshake-queue.js';
import { type HandshakeHandle, runHandshake } from './handshake-run.js';
import { protocolConfig, selfSecret, type NodeDeps } from '../node-deps.js';
import type { Session } from '../protocol/types.js';
import type { SocketReader } from '../session/socket-reader.js';
import type { ListenAuthentication, NodePeer } from '../types.js';

/** What becomes of a candidate; exactly one of them is called, unless it is cancelled. */
export interface IncomingOutcome {
  /** It is about to be read, perhaps after a long wait: a reason refuses it now. */
  turn(): RefuseReason | null;
  /** It proved itself. `output` is to be written first, if it gets a slot; a session that gets none is to `forget`. */
  established(session: Session, output: Uint8Array, peer: NodePeer): void;
  /** Where `lingers`, the socket ends by itself. */
  refused(reason: RefuseReason, error?: PoolError, lingers?: boolean): void;
}

export interface IncomingDeps {
  node: NodeDeps;
  door: HandshakeQueue;
  socket: Socket;
  reader: SocketReader;
  outcome: IncomingOutcome;
  authentication: ListenAuthentication | undefined;
}

/** A connection that TCP accepted and that has proved nothing yet. Its socket is paused, and the caller's to destroy. */
export class IncomingConnection {
  readonly #deps: IncomingDeps;
  #ticket: Ticket | null = null;
  #handshake: HandshakeHandle | null = null;

  constructor(deps: IncomingDeps) {
    this.#deps = deps;
  }

  /** Takes a place among the pending handshakes, and begins when it has its turn. Until then its socket is not read. */
  enter(address: string): void {
    const { door, outcome } = this.#deps;
    const ticket = door.enter(address, {
      start: (started) => this.#begin(started),
      refused: (reason, error) => {
        // Whoever is asked who it is gets CLOSE; its time was up, or others were let in before it.
        if (this.#handshake?.refuse(notInTime()) === true) return;
        this.#handshake?.cancel();
        outcome.refused(reason, error);
      },
    });
    this.#ticket ??= ticket;
  }

  cancel(): void {
    this.#handshake?.cancel();
    this.#leave();
  }

  #begin(ticket: Ticket): void {
    this.#ticket = ticket;
    if (!this.#hasRoom()) return;
    const { node, door, socket, reader, outcome, authentication } = this.#deps;
    this.#handshake = runHandshake({
      socket,
      role: 'server',
      reader,
      handshake: node.protocol.createServerHandshake({
        ...protocolConfig(node, 'server'),
        difficulty: door.difficulty,
        ...(authentication && { credentials: { ...authentication.credentials, self: selfSecret(node) } }),
      }),
      clock: node.clock,
      expect: (state) => {
        if (state === 'CHALLENGED') door.challenged(ticket);
        return null;
      },
      keepsAlive: false,
      idle: () => door.pending === 1,
      authentication: authentication && {
        admit: authentication.admit,
        // The door's, which counts from the connection's turn.
        deadline: () => null,
        begin: () => this.#hasRoom(),
      },
      established: (session, output, peer) => {
        this.#leave();
        outcome.established(session, output, peer);
      },
      failed: (error, lingers) => {
        // Who is refused for what it sent keeps its place until its socket is gone: a stranger's next try costs it as much as the
        // first. Whose time was up has had that place for as long as any, and who gave way has left it to another.
        if (lingers) socket.once('close', () => this.#leave());
        else this.#leave();
        outcome.refused('handshake-failed', error, lingers);
      },
    });
  }

  /** False: it was refused, since there is no room for its session. */
  #hasRoom(): boolean {
    const reason = this.#deps.outcome.turn();
    if (reason === null) return true;
    this.#leave();
    this.#deps.outcome.refused(reason);
    return false;
  }

  #leave(): void {
    if (this.#ticket !== null) this.#deps.door.leave(this.#ticket);
  }
}
