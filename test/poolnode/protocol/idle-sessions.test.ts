/** How often a process wakes for sessions that say nothing, counted in virtual time. */
import { describe, expect, it } from 'vitest';
import { randomBetween } from '../../random.js';
import { concat, handshakes, SECOND, shake, Side } from './pair.js';

const MILLISECOND = SECOND / 1000n;
const HEARTBEATS = 24n;
const HEARTBEAT = 5n * SECOND;
const START = 1_000n * SECOND;
/** By then each has sent its first ones. */
const SETTLED = START + 15n * SECOND;

/** When a process that has both ends of sessions which began at `times` wakes to send something, and how many packets it sends. */
function idle(times: readonly bigint[]): { wakes: bigint[]; packets: number } {
  const ends = times.map((began) => {
    const { client, server } = handshakes({ difficulty: 0 });
    return shake(client, server, began).map((session) => new Side(session)) as [Side, Side];
  });
  const sides = ends.flat();
  let packets = 0;
  const carry = (from: Side, to: Side): boolean => {
    if (!from.session.hasOutput) return false;
    to.session.receive(concat(from.session.takeOutput()));
    packets += 1;
    return true;
  };
  const settle = (now: bigint): void => {
    for (const [one, other] of ends) {
      do {
        one.pump(now);
        other.pump(now);
      } while (carry(one, other) || carry(other, one));
    }
  };
  const next = (): bigint =>
    sides
      .map(({ session }) => session.nextTimeout())
      .filter((deadline) => deadline !== null)
      .reduce((a, b) => (a < b ? a : b));
  settle(START + SECOND);
  packets = 0;
  const wakes: bigint[] = [];
  for (let now = next(); now < START + HEARTBEATS * HEARTBEAT; now = next()) {
    const before = packets;
    // Timers run a little late, each as it likes.
    for (const [n, { session }] of sides.entries()) {
      if ((session.nextTimeout() ?? now + 1n) <= now) session.handleTimeout(now + BigInt(n % 3) * MILLISECOND);
    }
    settle(now + 3n * MILLISECOND);
    if (now > SETTLED && packets > before) wakes.push(now);
  }
  expect(sides.map(({ ended }) => ended)).toEqual(sides.map(() => null));
  return { wakes, packets };
}

describe('a process with idle sessions', () => {
  it('wakes for all heartbeats at once of sessions that began within a quarter of a second', () => {
    const began = Array.from({ length: 20 }, () => START + BigInt(randomBetween(0, Number(SECOND / 4n))));
    const one = idle([START]);
    const twenty = idle(began);
    expect(twenty.wakes).toEqual(one.wakes);
    expect(twenty.packets).toBe(20 * one.packets);
    // At START + 20 s, + 25 s, ...
    expect(one.wakes.length).toBe(Number(HEARTBEATS) - 4);
  });
});
