import type { Socket } from 'node:net';
import type { PoolError } from '../errors.js';
import type { Ticket } from './admission.js';
import { runHandshake } from './handshake-run.js';
import { protocolConfig, type NodeParts } from './node-parts.js';
import type { Session } from './protocol/types.js';
import type { DropReason } from './types.js';

/** What becomes of a candidate; exactly one of them is called, unless it is cancelled. */
export interface CandidateOutcome {
  /** It proved itself. `output` is to be written first, if it gets a slot. */
  established(session: Session, output: Uint8Array): void;
  refused(reason: DropReason, error?: PoolError): void;
}

/** A connection that TCP accepted and that has proved nothing yet. Its socket is paused, and the caller's to destroy. */
export class Candidate {
  readonly #node: NodeParts;
  readonly #socket: Socket;
  readonly #outcome: CandidateOutcome;
  #ticket: Ticket | null = null;
  #stopHandshake = (): void => {};

  constructor(node: NodeParts, socket: Socket, outcome: CandidateOutcome) {
    this.#node = node;
    this.#socket = socket;
    this.#outcome = outcome;
  }

  /** Asks for a place among the pending handshakes, and begins when it has its turn. */
  enter(address: string): void {
    this.#ticket = this.#node.door.enter(address, (ticket) => this.#begin(ticket));
    if (this.#ticket === null) this.#outcome.refused('too-many-handshakes');
  }

  cancel(): void {
    this.#stopHandshake();
    this.#leave();
  }

  #begin(ticket: Ticket): void {
    this.#ticket = ticket;
    const { protocol, clock, door } = this.#node;
    this.#stopHandshake = runHandshake({
      socket: this.#socket,
      handshake: protocol.createServerHandshake({
        ...protocolConfig(this.#node, 'server'),
        difficulty: door.difficulty,
      }),
      clock,
      expect: () => ({ deadline: ticket.deadline, overdue: 'the handshake was not finished in time' }),
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
    if (this.#ticket !== null) this.#node.door.leave(this.#ticket);
  }
}
