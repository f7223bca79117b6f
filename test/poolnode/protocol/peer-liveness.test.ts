import { describe, expect, it } from 'vitest';
import { VERDICT_GRACE_NS } from '../../../src/poolnode/protocol/constants.js';
import { PeerLiveness } from '../../../src/poolnode/protocol/peer-liveness.js';
import { Timers } from '../../../src/poolnode/protocol/timers.js';

const S = 1_000_000_000n;

function watched(): { timers: Timers; silence: PeerLiveness } {
  const timers = new Timers();
  return { timers, silence: new PeerLiveness(timers, 20n * S, 0n) };
}

describe('PeerLiveness', () => {
  it('asks after half the time and gives up after all of it, having read once more', () => {
    const { timers, silence } = watched();
    expect(timers.next()).toBe(10n * S);
    expect(silence.judge(10n * S)).toBe('ask');
    expect(timers.next()).toBe(20n * S);
    expect(silence.judge(20n * S)).toBe('fine');
    expect(timers.next()).toBe(20n * S + VERDICT_GRACE_NS);
    expect(silence.judge(20n * S + VERDICT_GRACE_NS)).toBe('lost');
  });

  it('moves on with every sign of life, without touching the timer', () => {
    const { timers, silence } = watched();
    silence.heard(9n * S);
    expect(timers.next()).toBe(10n * S);
    expect(silence.judge(10n * S)).toBe('fine');
    expect(timers.next()).toBe(19n * S);
    expect(silence.judge(19n * S)).toBe('ask');
    silence.heard(28n * S);
    expect(silence.judge(29n * S)).toBe('fine');
    expect(silence.judge(38n * S)).toBe('ask');
  });

  it('spares a peer whose answer was waiting in the socket', () => {
    const { silence } = watched();
    silence.judge(10n * S);
    silence.judge(20n * S);
    silence.heard(20n * S + 1n);
    expect(silence.judge(20n * S + VERDICT_GRACE_NS)).toBe('fine');
  });

  it('takes a late timer for our own absence: one question, one more chance', () => {
    const { timers, silence } = watched();
    const later = 3_600n * S;
    expect(silence.judge(later)).toBe('ask');
    expect(timers.next()).toBe(later + 10n * S);
    expect(silence.judge(later + 10n * S)).toBe('fine');
    expect(silence.judge(later + 10n * S + VERDICT_GRACE_NS)).toBe('lost');
  });

  it('does not count time in which nothing was read', () => {
    const { timers, silence } = watched();
    timers.pause(5n * S);
    expect(silence.judge(60n * S)).toBe('fine');
    silence.shiftDeadlines(timers.resume(105n * S));
    expect(timers.next()).toBe(110n * S);
    expect(silence.judge(110n * S)).toBe('ask');
  });
});
