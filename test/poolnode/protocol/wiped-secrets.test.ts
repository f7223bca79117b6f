/** Secrets are overwritten once they are used, and keys given up when a session or a handshake ends, however it does. */
import { describe, expect, it } from 'vitest';
import { noting } from './noting-crypto.js';
import { concat, handshakes, Pair, SECOND } from './pair.js';

const NONE = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

describe('secrets', () => {
  it('of a handshake are zeros when it is over: what was agreed, the proof at either end, and RESPONSE', () => {
    const { crypto, secrets } = noting();
    const pair = new Pair({ crypto });
    pair.settle();
    // Each side agrees once and has the proof once; RESPONSE is made once and opened once.
    expect(secrets.length).toBeGreaterThanOrEqual(6);
    expect(secrets.filter((secret) => !NONE(secret))).toEqual([]);
  });

  it('of REKEYs, too', () => {
    const { crypto, secrets } = noting();
    const pair = new Pair({ crypto, clientLimits: { rekeyPackets: 3 } });
    for (let i = 0; i < 12; i++) {
      pair.client.session.sendMessage(0, Uint8Array.of(1), pair.now);
      pair.settle();
    }
    expect(pair.client.rekeys.length).toBeGreaterThan(0);
    expect(secrets.filter((secret) => !NONE(secret))).toEqual([]);
  });
});

describe('keys', () => {
  it.each<[string, (pair: Pair) => void]>([
    ['a close', (pair) => pair.client.session.close(pair.now)],
    ['the loss of the peer', (pair) => [pair.client, pair.server].forEach((side) => side.session.receiveEnd())],
    ['a fault', (pair) => [pair.client, pair.server].forEach((side) => side.session.receive(new Uint8Array(80)))],
  ])('are given up at the end of a session by %s, whatever REKEYs there were', (_, end) => {
    const { crypto, held } = noting();
    const pair = new Pair({ crypto, clientLimits: { rekeyPackets: 3 } });
    for (let i = 0; i < 12; i++) {
      pair.client.session.sendMessage(0, Uint8Array.of(1), pair.now);
      pair.settle();
    }
    expect(held.size).toBeGreaterThan(0);
    end(pair);
    pair.settle();
    // Who closed waits for the peer's FIN.
    for (const side of [pair.client, pair.server]) side.session.receiveEnd();
    pair.settle();
    expect(pair.server.ended).not.toBeNull();
    expect(held.size).toBe(0);
    expect([pair.client, pair.server].map((side) => side.session.nextTimeout())).toEqual([null, null]);
  });

  it('are given up where nobody goes on with a session, and what it had sealed still leaves', () => {
    const { crypto, held } = noting();
    const pair = new Pair({ crypto });
    pair.settle();
    const { client, server } = pair;
    client.session.sendMessage(0, Uint8Array.of(7), pair.now);
    client.session.close(pair.now);
    client.session.forget();
    client.session.forget();
    expect([client.session.nextTimeout(), client.session.next(pair.now), client.session.state]).toEqual([
      null,
      null,
      'CLOSING',
    ]);
    pair.settle();
    expect([server.messages.map(({ data }) => [...data]), server.ended]).toEqual([[[7]], 'closed']);
    server.session.forget();
    expect(held.size).toBe(0);
  });

  it('are given up where a handshake fails', () => {
    const { crypto, held, secrets } = noting();
    const { client, server } = handshakes({ crypto });
    const now = 1_000n * SECOND;
    client.advance(now);
    server.receive(concat(client.takeOutput()));
    server.advance(now);
    client.receive(concat(server.takeOutput()));
    while (!concatenated(client).length) client.advance(now);
    const response = pending;
    response[response.length - 1]! ^= 1;
    server.receive(response);
    expect(() => server.advance(now)).toThrowError();
    client.receive(new Uint8Array(80));
    expect(() => client.advance(now)).toThrowError();
    expect(held.size).toBe(0);
    expect(secrets.filter((secret) => !NONE(secret))).toEqual([]);
  });
});

/** What the client said last. */
let pending: Uint8Array = new Uint8Array(0);
function concatenated(side: { takeOutput(): Uint8Array[] }): Uint8Array {
  pending = concat(side.takeOutput());
  return pending;
}
