/** Somebody flips one bit of the handshake's first two packets: not all of them are checked by anything but the exchange. */
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../../src/base/errors.js';
import { handshakes, Pair, shake, type Tap } from '../pair.js';
import { TEST_1, TEST_2 } from './credentials.js';

const filled = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

describe('the handshake under the exchange', () => {
  const credentials = {
    clientCredentials: { mode: 'keys', identity: TEST_2, self: filled(2) },
    serverCredentials: { mode: 'keys', identity: TEST_1, demand: true, self: filled(1) },
    difficulty: 0,
  } as const;
  const PARTS = 23;

  /** What comes of it: `open` would be an attack that went through. */
  function withBit(packet: 'INIT' | 'CHALLENGE', bit: number): string {
    let seen = 0;
    const flip: Tap = (bytes) => {
      if (seen++ > 0 || bytes.length === 0) return [bytes];
      const changed = bytes.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      return [changed];
    };
    const through: Tap = (bytes) => [bytes];
    const { client, server } = handshakes(credentials);
    try {
      const [dialled, accepted] = shake(
        client,
        server,
        1n,
        packet === 'INIT' ? flip : through,
        packet === 'CHALLENGE' ? skipEmpty(flip) : through,
        100,
      );
      for (let round = 0; round < 6; round++) {
        for (const [session, other] of [
          [dialled, accepted],
          [accepted, dialled],
        ] as const) {
          for (let event = session.next(1n); event !== null; event = session.next(1n)) {
            if (event.type === 'peer-proven') session.decide(true, 1n);
            else if (event.type === 'authenticated') return 'open';
            else if (event.type === 'failed') return event.error.code;
          }
          if (session.hasOutput) other.receive(new Uint8Array(Buffer.concat(session.takeOutput())));
        }
      }
      return 'nothing';
    } catch (error) {
      return error instanceof PoolError ? error.code : (error as Error).message;
    }
  }

  it('opens nothing else than it would: without a flipped bit it opens', () => {
    const pair = new Pair(credentials);
    pair.settle();
    pair.client.session.decide(true, pair.now);
    pair.settle();
    pair.server.session.decide(true, pair.now);
    pair.settle();
    expect([pair.client.peer, pair.server.peer]).not.toContain(undefined);
  });

  it.each(Array.from({ length: PARTS }, (_, part) => part))('opens with no bit flipped: part %i of 23', (part) => {
    const outcomes = new Map<string, number>();
    for (const [packet, size] of [
      ['INIT', 144],
      ['CHALLENGE', 178],
    ] as const) {
      for (let bit = part; bit < size * 8; bit += PARTS) {
        const outcome = withBit(packet, bit);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    }
    expect(outcomes.get('open')).toBeUndefined();
    // Bits that nothing else looks at get as far as the exchange, and no further.
    expect(outcomes.get('ERR_POOL_AUTH_FAILED')).toBeGreaterThan(0);
  });
});

/** The server's first bytes are CHALLENGE; before them there are none. */
function skipEmpty(tap: Tap): Tap {
  return (bytes) => (bytes.length === 0 ? [bytes] : tap(bytes));
}
