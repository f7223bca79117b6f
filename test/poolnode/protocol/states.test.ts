import { describe, expect, it } from 'vitest';
import type { SessionStateName } from '../../../src/base/session.js';
import { StateMachine, type StateStep, TRANSITIONS } from '../../../src/poolnode/protocol/states.js';

const NAMES = Object.keys(TRANSITIONS) as SessionStateName[];
const STEPS: StateStep[] = [
  'init-sent',
  'init-received',
  'challenge-received',
  'confirmed',
  'rekey-sent',
  'rekey-answered',
  'ended',
];
const walk = (...steps: StateStep[]): SessionStateName => {
  const state = new StateMachine();
  for (const step of steps) state.step(step);
  return state.name;
};

describe('State', () => {
  it('leads a client and a server to ESTABLISHED, through REKEYING and to CLOSING', () => {
    expect(walk('init-sent', 'challenge-received', 'confirmed')).toBe('ESTABLISHED');
    expect(walk('init-received', 'confirmed')).toBe('ESTABLISHED');
    expect(walk('init-received', 'confirmed', 'rekey-sent')).toBe('REKEYING');
    expect(walk('init-received', 'confirmed', 'rekey-sent', 'rekey-answered')).toBe('ESTABLISHED');
    expect(walk('init-received', 'confirmed', 'rekey-sent', 'ended')).toBe('CLOSING');
  });

  it('refuses every step that the table does not have, and stays where it was', () => {
    let refused = 0;
    for (const name of NAMES) {
      for (const step of STEPS) {
        if (TRANSITIONS[name][step] !== undefined) continue;
        const state = new StateMachine(name);
        expect(() => state.step(step)).toThrowError(expect.objectContaining({ code: 'ERR_POOL_PROTOCOL' }));
        expect(state.name).toBe(name);
        refused++;
      }
    }
    expect(refused).toBe(NAMES.length * STEPS.length - 11);
  });

  it('leaves CLOSING never', () => {
    expect(TRANSITIONS.CLOSING).toEqual({});
  });
});
