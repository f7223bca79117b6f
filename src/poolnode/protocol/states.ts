/**
 * The states of a session and every way between them, as data (pool.h's words; kernel contract, section 1). All that moves a
 * state is here. No entry means that the step is a fault, and the state stays what it was.
 */
import type { SessionStateName } from '../../base/session.js';
import { PoolError } from '../../base/errors.js';

export type StateStep =
  | 'init-sent'
  | 'init-received'
  | 'challenge-received'
  /** The peer's first packet with a right HMAC (client), or its RESPONSE (server). */
  | 'confirmed'
  | 'rekey-sent'
  | 'rekey-answered'
  | 'ended';

type Row = Partial<Record<StateStep, SessionStateName>>;

export const TRANSITIONS: Readonly<Record<SessionStateName, Readonly<Row>>> = Object.freeze({
  IDLE: { 'init-sent': 'INIT_SENT', 'init-received': 'CHALLENGED', ended: 'CLOSING' },
  INIT_SENT: { 'challenge-received': 'CHALLENGED', ended: 'CLOSING' },
  CHALLENGED: { confirmed: 'ESTABLISHED', ended: 'CLOSING' },
  ESTABLISHED: { 'rekey-sent': 'REKEYING', ended: 'CLOSING' },
  REKEYING: { 'rekey-answered': 'ESTABLISHED', ended: 'CLOSING' },
  CLOSING: {},
} satisfies Record<SessionStateName, Row>);

export class StateMachine {
  #name: SessionStateName;

  constructor(name: SessionStateName = 'IDLE') {
    this.#name = name;
  }

  get name(): SessionStateName {
    return this.#name;
  }

  /** Takes a step. Throws ERR_POOL_PROTOCOL, state unchanged, where the table has no entry. */
  step(step: StateStep): void {
    const next = TRANSITIONS[this.#name][step];
    if (next === undefined) {
      throw new PoolError('ERR_POOL_PROTOCOL', `a session in state ${this.#name} can't take the step ${step}`);
    }
    this.#name = next;
  }
}
