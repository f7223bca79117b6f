import { describe, expect, it } from 'vitest';
import { ChannelPoller } from '../../../../src/pool/kernel/session/channel-poller.js';

/** The module's queue: RECV c takes c's first message, EAGAIN when there are only others; RECV 0 takes the head. */
function receive(queue: number[], channel: number): number | 'EAGAIN' | 'nothing' {
  if (queue.length === 0) return 'nothing';
  const at = channel === 0 ? 0 : queue.indexOf(channel);
  return at < 0 ? 'EAGAIN' : queue.splice(at, 1)[0]!;
}

/** A small generator with a seed, so that a failure can be played again. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe('the order in which channels are asked', () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

  it(`never takes an open channel’s message for channel 0, while messages and channels come (SEED=${seed})`, () => {
    const next = random(seed);
    for (let run = 0; run < 200; run += 1) {
      const turn = new ChannelPoller();
      const open = new Set<number>();
      const queue: number[] = [];
      const left = { steps: 400 };
      let received = 0;
      let sent = 0;
      for (; left.steps > 0; left.steps -= 1) {
        if (next(3) === 0) {
          queue.push(next(8));
          sent += 1;
        }
        if (next(20) === 0) {
          const channel = 1 + next(7);
          // A message that arrived before its channel was opened may be anybody's.
          if (!queue.includes(channel)) {
            open.add(channel);
            turn.open(channel);
          }
        }
        const asked = turn.next();
        const got = receive(queue, asked);
        if (got === 'EAGAIN') turn.elsewhere(asked);
        else if (got === 'nothing') turn.empty();
        else {
          turn.received();
          received += 1;
          if (asked === 0) expect([run, open.has(got)]).toEqual([run, false]);
          else expect(got).toBe(asked);
        }
      }
      for (let more = 0; queue.length > 0 && more < 10_000; more += 1) {
        const asked = turn.next();
        const got = receive(queue, asked);
        if (got === 'EAGAIN') turn.elsewhere(asked);
        else received += 1;
        if (typeof got === 'number') turn.received();
      }
      expect(received).toBe(sent);
    }
  });

  it('asks for channel 0 only, while no other is open', () => {
    const turn = new ChannelPoller();
    expect(turn.next()).toBe(0);
    turn.elsewhere(0);
    expect(turn.next()).toBe(0);
  });

  it('asks a channel that opened in the middle of a round before channel 0', () => {
    const turn = new ChannelPoller();
    turn.open(1);
    turn.elsewhere(1);
    turn.open(2);
    expect(turn.next()).toBe(2);
    turn.elsewhere(2);
    expect(turn.next()).toBe(0);
  });

  it('takes no EAGAIN of a RECV that waited while channels opened for theirs', () => {
    const turn = new ChannelPoller();
    turn.open(1);
    const waiting = turn.next();
    turn.open(2);
    turn.open(255);
    turn.elsewhere(waiting);
    const asked = [1, 2, 3].map(() => {
      const channel = turn.next();
      turn.elsewhere(channel);
      return channel;
    });
    expect(asked.toSorted((a, b) => a - b)).toEqual([1, 2, 255]);
    expect(turn.next()).toBe(0);
  });

  it('starts a round anew after a message: what came behind it may be anybody’s', () => {
    const turn = new ChannelPoller();
    turn.open(1);
    turn.open(2);
    turn.elsewhere(turn.next());
    turn.received();
    turn.elsewhere(turn.next());
    expect(turn.next()).not.toBe(0);
  });

  it('lets no busy channel starve another', () => {
    const turn = new ChannelPoller();
    turn.open(1);
    turn.open(2);
    const asked = Array.from({ length: 64 }, () => {
      const channel = turn.next();
      turn.received();
      return channel;
    });
    expect(asked.filter((channel) => channel === 1).length).toBe(32);
  });
});
