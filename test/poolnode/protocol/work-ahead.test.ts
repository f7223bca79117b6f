/**
 * A listener makes its keys and its offer while the dialler is at its puzzle, and a dialler the keys of the exchange while the
 * listener is at RESPONSE: sooner, and nothing else is different.
 */
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/base/errors.js';
import { SESSION_ID_BYTES } from '../../../src/poolnode/protocol/constants.js';
import { nodeCrypto, x25519KeyPair } from '../../../src/poolnode/crypto/node-crypto.js';
import type { Crypto, KeyPair } from '../../../src/poolnode/protocol/types.js';
import { concat, failure, handshakes, type PairOptions, SECOND, take } from './pair.js';
import { TEST_1, TEST_2 } from './authentication/credentials.js';

const NOW = 1_000n * SECOND;
const filled = (byte: number, size = 32): Uint8Array => new Uint8Array(size).fill(byte);

/** Cryptography that draws the same each time, notes what is asked of it, and keeps what is secret in what it gave. */
function noting() {
  const real = nodeCrypto();
  const asked: string[] = [];
  const secrets: Uint8Array[] = [];
  const kept = (secret: Uint8Array): Uint8Array => {
    secrets.push(secret);
    return secret;
  };
  let draws = 0;
  let held = 0;
  const crypto: Crypto = {
    ...real,
    randomBytes: (size) => filled(++draws, size),
    generateKeyPair: (): KeyPair => {
      const pair = x25519KeyPair(filled(64 + ++draws));
      held++;
      return {
        publicKey: pair.publicKey,
        agree: (peer) => {
          asked.push('agree');
          return kept(pair.agree(peer));
        },
        dispose: () => void held--,
      };
    },
    // MACs go over the wire; what RESPONSE proves is that of the session's id.
    hmacSha256: (key, ...pieces) => {
      const mac = real.hmacSha256(key, ...pieces);
      return pieces[0]!.length === SESSION_ID_BYTES ? kept(mac) : mac;
    },
    hkdfSha256: (secret, info, salt) => kept(real.hkdfSha256(secret, info, salt)),
  };
  const identity = {
    ...TEST_1,
    sign: (message: Uint8Array) => {
      asked.push('sign');
      return TEST_1.sign(message);
    },
  };
  const options: PairOptions = {
    crypto,
    clientCredentials: { mode: 'keys', identity: TEST_2, self: filled(2) },
    serverCredentials: { mode: 'keys', identity, demand: true, self: filled(1) },
  };
  return { asked, secrets, options, held: () => held };
}

const left = (secrets: readonly Uint8Array[]): number =>
  secrets.filter((secret) => secret.some((byte) => byte !== 0)).length;

/** Both sides up to where the client is at its puzzle; then RESPONSE, when it is asked for. */
function upToPuzzle(options: PairOptions) {
  const { client, server } = handshakes(options);
  client.advance(NOW);
  server.receive(take(client));
  server.advance(NOW);
  client.receive(take(server));
  const response = (): Uint8Array => {
    for (;;) {
      client.advance(NOW);
      const output = take(client);
      if (output.length > 0) return output;
    }
  };
  return { client, server, response };
}

describe('work ahead', () => {
  it('has keys and offer there before RESPONSE, and changes no byte of what is said', () => {
    const [usual, ahead] = [false, true].map((works) => {
      const { asked, options } = noting();
      const { server, response } = upToPuzzle(options);
      for (let i = 0; works && i < 2; i++) server.workAhead();
      const before = [...asked];
      server.receive(response());
      const session = server.advance(NOW)!;
      expect(session.authenticating).toBe(true);
      const said = Buffer.from(concat(session.takeOutput())).toString('hex');
      return { before, total: asked.toSorted(), said };
    });
    expect(usual!.before).toEqual([]);
    expect(ahead!.before).toEqual(['agree', 'sign']);
    expect(ahead!.total).toEqual(usual!.total);
    // ACK, and the offer of 160 bytes, sealed.
    expect(ahead!.said.length / 2).toBeGreaterThan(80 + 160);
    expect(ahead!.said).toBe(usual!.said);
  });

  it('is none where nobody has to prove anything, and none before INIT', () => {
    const { asked, options } = noting();
    const { crypto } = options;
    upToPuzzle({ crypto: crypto! }).server.workAhead();
    handshakes(options).server.workAhead();
    expect(asked).toEqual([]);
  });

  it('leaves no secret and no key where RESPONSE is wrong, which is refused as without it', () => {
    const codes = [false, true].map((works) => {
      const { secrets, options, held } = noting();
      const { client, server, response } = upToPuzzle(options);
      if (works) server.workAhead();
      const wrong = response();
      wrong[wrong.length - 1]! ^= 1;
      server.receive(wrong);
      const error = failure(() => server.advance(NOW));
      client.abandon();
      expect([left(secrets), held()]).toEqual([0, 0]);
      return `${error.code} ${error.message}`;
    });
    expect(codes[1]).toBe(codes[0]);
  });

  it('leaves none where nobody goes on: who abandons it can not take it up again, and may do so twice', () => {
    const { secrets, options, held } = noting();
    const { client, server, response } = upToPuzzle(options);
    server.workAhead();
    response();
    expect(left(secrets)).toBeGreaterThan(0);
    for (const side of [client, server, client, server]) side.abandon();
    expect([left(secrets), held()]).toEqual([0, 0]);
    expect([client.state, server.state]).toEqual(['CLOSING', 'CLOSING']);
    for (const side of [client, server]) expect(failure(() => side.advance(NOW)).code).toBe('ERR_POOL_CLOSED');
  });

  it('of a dialler is the three keys of the exchange, once, and leaves none of them where nobody goes on', () => {
    const { secrets, options } = noting();
    const { client, server, response } = upToPuzzle(options);
    client.workAhead();
    response();
    const before = left(secrets);
    client.workAhead();
    client.workAhead();
    expect(left(secrets)).toBe(before + 3);
    for (const side of [client, server]) side.abandon();
    expect(left(secrets)).toBe(0);
  });

  it('does not end what came of a handshake that is over', () => {
    const { options } = noting();
    const { server, response } = upToPuzzle(options);
    server.receive(response());
    const session = server.advance(NOW)!;
    server.abandon();
    server.workAhead();
    expect(session.state).toBe('ESTABLISHED');
    expect(session.hasOutput).toBe(true);
    expect(() => session.close(NOW)).not.toThrow();
  });

  it('stumbles over no key that nothing can be agreed on with: RESPONSE is what fails, as without it', () => {
    const outcomes = [false, true].map((works) => {
      const { options } = noting();
      const { client, server } = handshakes(options);
      client.advance(NOW);
      const init = take(client);
      // Its payload: a public key, and an address that nobody looks at.
      init.fill(0, 80);
      server.receive(init);
      server.advance(NOW);
      if (works) server.workAhead();
      const response = new Uint8Array(160);
      response.set(init.subarray(0, 80));
      response[0] = 0x12;
      new DataView(response.buffer).setUint16(44, 80);
      server.receive(response);
      try {
        return server.advance(NOW) === null ? 'nothing' : 'a session';
      } catch (error) {
        expect(error).toBeInstanceOf(PoolError);
        return (error as PoolError).code;
      }
    });
    expect(outcomes[1]).toBe(outcomes[0]);
    expect(outcomes[0]).toMatch(/^ERR_/);
  });
});
