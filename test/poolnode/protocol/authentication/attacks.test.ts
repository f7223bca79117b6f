/**
 * Attacks on the exchange by somebody who holds the keys of the session. Together with exchange.test.ts (every bit of the
 * messages, roles, replays), transcript.test.ts (every bit of the handshake), gate.test.ts (what passes before) and, over sockets,
 * authentication.test.ts and authentication-attacks.test.ts in poolnode.
 */
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { nodeCrypto } from '../../../../src/poolnode/crypto/node-crypto.js';
import { DiallerExchange } from '../../../../src/poolnode/protocol/authentication/dialler-exchange.js';
import { type Binding, bindExchange, messageKey } from '../../../../src/poolnode/protocol/authentication/keys.js';
import { ListenerExchange } from '../../../../src/poolnode/protocol/authentication/listener-exchange.js';
import type {
  DiallerCredentials,
  ListenerCredentials,
} from '../../../../src/poolnode/protocol/authentication/types.js';
import { proof } from '../../../peer/proof.js';
import { TEST_1, TEST_2 } from './credentials.js';

const crypto = nodeCrypto();
const filled = (byte: number, size = 32) => new Uint8Array(size).fill(byte);
const binding = (session: number): Binding =>
  bindExchange(crypto, filled(session), filled(session, 144), filled(2, 178));
const LISTENER = { mode: 'keys', identity: TEST_1, demand: true, self: filled(1) } satisfies ListenerCredentials;
const DIALLER = { mode: 'keys', identity: TEST_2, self: filled(2) } satisfies DiallerCredentials;

const refusal = { code: 'ERR_POOL_AUTH_FAILED' };
function refused(act: () => unknown): void {
  expect(act).toThrow(expect.objectContaining(refusal));
}

describe('a MAC that does not fit', () => {
  const wrong = (message: Uint8Array): Uint8Array => {
    const changed = message.slice();
    changed[159]! ^= 1;
    return changed;
  };

  it('is refused by the very side that gets it, though nothing else is wrong', () => {
    const listener = new ListenerExchange(crypto, LISTENER, binding(1));
    const offer = listener.takeMessage()!;
    refused(() => new DiallerExchange(crypto, DIALLER, binding(1)).receive(wrong(offer)));
    const dialler = new DiallerExchange(crypto, DIALLER, binding(1));
    dialler.receive(offer);
    dialler.admit();
    const proof = dialler.takeMessage()!;
    refused(() => new ListenerExchange(crypto, LISTENER, binding(1)).receive(wrong(proof)));
    listener.receive(proof);
    listener.admit();
    refused(() => dialler.receive(wrong(listener.takeMessage()!)));
  });
});

it('the own key is refused by each side by itself, though it is proven', () => {
  const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
  const handshake = { z: Buffer.alloc(32, 1), init: Buffer.alloc(144, 1), challenge: Buffer.alloc(178, 2) };
  const listener = new ListenerExchange(crypto, LISTENER, binding(1));
  const offer = listener.takeMessage()!;
  refused(() => new DiallerExchange(crypto, { ...DIALLER, identity: TEST_1 }, binding(1)).receive(offer));
  const own = proof({ mode: 'keys', seed, process: Buffer.alloc(32) }, handshake, Buffer.from(offer), false);
  refused(() => listener.receive(Uint8Array.from(own)));
});

/** A message whose MAC fits whatever was done to it. */
function remade(message: Uint8Array, name: 'offer' | 'proof', session: number, offer?: Uint8Array): Uint8Array {
  const changed = message.slice();
  const hash = createHmac('sha256', messageKey(crypto, binding(session), name, null));
  if (offer !== undefined) hash.update(offer);
  changed.set(hash.update(changed.subarray(0, 128)).digest(), 128);
  return changed;
}

/** All encodings of points whose order divides 8: both signs of each y, those that are not canonical included. */
const WEAK_KEYS = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000080',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
].map((hex) => new Uint8Array(Buffer.from(hex, 'hex')));

/** S = 0: under a key of order 1 it fits every message, under the others every second, fourth or eighth. */
const forgery = (r: Uint8Array): Uint8Array => new Uint8Array(Buffer.concat([r, new Uint8Array(32)]));

describe('a key of small order', () => {
  it('would be believed by node:crypto, which is why it is refused here', () => {
    const identity = new Uint8Array(32);
    identity[0] = 1;
    expect(crypto.verifyEd25519(identity, filled(7, 100), forgery(identity))).toBe(true);
  });

  it.each(WEAK_KEYS.map((key) => [Buffer.from(key).toString('hex'), key] as const))(
    '%s is refused of either side, whatever it signed, and nobody is asked',
    (_, key) => {
      for (const r of WEAK_KEYS) {
        const offer = new ListenerExchange(crypto, LISTENER, binding(1)).takeMessage()!;
        offer.set(key, 32);
        offer.set(forgery(r), 64);
        refused(() => new DiallerExchange(crypto, DIALLER, binding(1)).receive(remade(offer, 'offer', 1)));

        const listener = new ListenerExchange(crypto, LISTENER, binding(1));
        const sent = listener.takeMessage()!;
        const dialler = new DiallerExchange(crypto, DIALLER, binding(1));
        dialler.receive(sent);
        dialler.admit();
        const proof = dialler.takeMessage()!;
        proof.set(key, 32);
        proof.set(forgery(r), 64);
        refused(() => listener.receive(remade(proof, 'proof', 1, sent)));
      }
    },
  );
});

it('S + L in place of S is no signature', () => {
  const L = 2n ** 252n + 27742317777372353535851937790883648493n;
  const offer = new ListenerExchange(crypto, LISTENER, binding(1)).takeMessage()!;
  let s = 0n;
  for (let at = 127; at >= 96; at--) s = (s << 8n) | BigInt(offer[at]!);
  s += L;
  for (let at = 96; at < 128; at++, s >>= 8n) offer[at] = Number(s & 0xffn);
  refused(() => new DiallerExchange(crypto, DIALLER, binding(1)).receive(remade(offer, 'offer', 1)));
});

describe('a signature that does not hold', () => {
  it.each([
    ['another bit', (message: Uint8Array) => (message[64]! ^= 1)],
    ['none', (message: Uint8Array) => message.fill(0, 64, 128)],
    ['another mark under it', (message: Uint8Array) => (message[16]! ^= 1)],
    ["another's key", (message: Uint8Array) => message.set(filled(9), 32)],
  ])('is refused before anybody is asked, though its MAC fits: %s', (_, change) => {
    const offer = new ListenerExchange(crypto, LISTENER, binding(1)).takeMessage()!;
    change(offer);
    refused(() => new DiallerExchange(crypto, DIALLER, binding(1)).receive(remade(offer, 'offer', 1)));
  });

  it('is one of the other role, or of another session, however the MACs are remade', () => {
    for (const [signer, session] of [
      ['dialler', 1],
      ['listener', 2],
    ] as const) {
      const offer = new ListenerExchange(crypto, LISTENER, binding(1)).takeMessage()!;
      const [other, otherDialler] = [
        new ListenerExchange(crypto, LISTENER, binding(session)),
        new DiallerExchange(crypto, { ...DIALLER, identity: TEST_1 }, binding(session)),
      ];
      if (signer === 'listener') offer.set(other.takeMessage()!.subarray(64, 128), 64);
      else {
        // A dialler with the listener's own key signs for some other listener.
        const elsewhere = new ListenerExchange(crypto, { ...LISTENER, identity: TEST_2 }, binding(1));
        otherDialler.receive(elsewhere.takeMessage()!);
        otherDialler.admit();
        offer.set(otherDialler.takeMessage()!.subarray(64, 128), 64);
      }
      refused(() => new DiallerExchange(crypto, DIALLER, binding(1)).receive(remade(offer, 'offer', 1)));
    }
  });
});

it('two sessions of the same two nodes can not be crossed in any way', () => {
  for (let crossing = 1; crossing < 8; crossing++) {
    refused(() => {
      const listeners = [1, 2].map((session) => new ListenerExchange(crypto, LISTENER, binding(session)));
      const diallers = [1, 2].map((session) => new DiallerExchange(crypto, DIALLER, binding(session)));
      const from = (number: number): 0 | 1 => ((crossing >> number) & 1) as 0 | 1;
      const offers = listeners.map((listener) => listener.takeMessage()!);
      for (const own of [0, 1] as const) diallers[own]!.receive(offers[own ^ from(0)]!);
      const proofs = diallers.map((dialler) => {
        dialler.admit();
        return dialler.takeMessage()!;
      });
      for (const own of [0, 1] as const) listeners[own]!.receive(proofs[own ^ from(1)]!);
      const accepts = listeners.map((listener) => {
        listener.admit();
        return listener.takeMessage()!;
      });
      for (const own of [0, 1] as const) diallers[own]!.receive(accepts[own ^ from(2)]!);
    });
  }
});
