import type { Socket } from 'node:net';
import type { PoolError } from '../errors.js';
import type { Ticket } from './admission.js';
import type { HandshakeDoor } from './handshake-door.js';
import { runHandshake } from './handshake-run.js';
import { protocolConfig, type NodeParts } from './node-parts.js';
import type { Session } from './protocol/types.js';
import type { SocketReader } from './socket-reader.js';
import type { DropReason } from './types.js';

/** What becomes of a candidate; exactly one of them is called, unless it is cancelled. */
export interface CandidateOutcome {
  /** It is about to be read, perhaps after a long wait: a reason refuses it now. */
  turn(): DropReason | null;
  /** It proved itself. `output` is to be written first, if it gets a slot. */
  established(session: Session, output: Uint8Array): void;
  refused(reason: DropReason, error?: PoolError): void;
}

/** A connection that TCP accepted and that has proved nothing yet. Its socket is paused, and the caller's to destroy. */
export class Candidate {
  readonly #node: NodeParts;
  readonly #door: HandshakeDoor;
  readonly #socket: Socket;
  readonly #reader: SocketReader;
  readonly #outcome: CandidateOutcome;
  #ticket: Ticket | null = null;
  #stopHandshake = (): void => {};

  constructor(node: NodeParts, door: HandshakeDoor, socket: Socket, reader: SocketReader, outcome: CandidateOutcome) {
    this.#node = node;
    this.#door = door;
    this.#socket = socket;
    this.#reader = reader;
    this.#outcome = outcome;
  }

  /** Takes a place among the pending handshakes, and begins when it has its turn. Until then its socket is not read. */
  enter(address: string): void {
    const ticket = this.#door.enter(address, {
      start: (started) => this.#begin(started),
      refused: (reason, error) => {
        this.#stopHandshake();
        this.#outcome.refused(reason, error);
      },
    });
    this.#ticket ??= ticket;
  }

  cancel(): void {
    this.#stopHandshake();
    this.#leave();
  }

  #begin(ticket: Ticket): void {
    this.#ticket = ticket;
    const reason = this.#outcome.turn();
    if (reason !== null) {
      this.#leave();
      return this.#outcome.refused(reason);
    }
    const { protocol, clock } = this.#node;
    this.#stopHandshake = runHandshake({
      socket: this.#socket,
      role: 'server',
      reader: this.#reader,
      handshake: protocol.createServerHandshake({
        ...protocolConfig(this.#node, 'server'),
        difficulty: this.#door.difficulty,
      }),
      clock,
      expect: (state) => {
        if (state === 'CHALLENGED') this.#door.challenged(ticket);
        return null;
      },
      keepsAlive: false,
      established: (session, output) => {
        this.#leave();
        this.#outcome.established(session, output);
      },
      failed: (error) => {
        this.#leave();
        this.#outcome.refused('handshake-failed', error);
      },
    });
  }

  #leave(): void {
    if (this.#ticket !== null) this.#door.leave(this.#ticket);
  }
}
