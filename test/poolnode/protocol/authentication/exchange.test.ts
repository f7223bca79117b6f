import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../../src/base/errors.js';
import { nodeCrypto } from '../../../../src/poolnode/crypto/node-crypto.js';
import { DiallerExchange } from '../../../../src/poolnode/protocol/authentication/dialler-exchange.js';
import { type Binding, bindExchange } from '../../../../src/poolnode/protocol/authentication/keys.js';
import { ListenerExchange } from '../../../../src/poolnode/protocol/authentication/listener-exchange.js';
import type {
  DiallerCredentials,
  Exchange,
  ExchangeStep,
  ListenerCredentials,
} from '../../../../src/poolnode/protocol/authentication/types.js';
import { readVectors } from '../../../vectors/vector-file.js';
import { identity, preSharedKey, PSK_BYTES, TEST_1, TEST_2 } from './credentials.js';

const crypto = nodeCrypto();
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const filled = (byte: number, size = 32) => new Uint8Array(size).fill(byte);

const LISTENER_SELF = filled(0x5e);
const DIALLER_SELF = filled(0x7a);
const PSK = preSharedKey(PSK_BYTES);

type Keys<T> = Extract<T, { mode: 'keys' }>;
const listenerKeys = (more: Partial<Keys<ListenerCredentials>> = {}): ListenerCredentials => ({
  mode: 'keys',
  identity: TEST_1,
  demand: true,
  self: LISTENER_SELF,
  ...more,
});
const diallerKeys = (more: Partial<Keys<DiallerCredentials>> = {}): DiallerCredentials => ({
  mode: 'keys',
  identity: TEST_2,
  self: DIALLER_SELF,
  ...more,
});

/** The binding of a session; another number is another session. */
const binding = (session = 1): Binding => bindExchange(crypto, filled(session), filled(1, 144), filled(2, 178));

const pair = (
  listener: ListenerCredentials = listenerKeys(),
  dialler: DiallerCredentials = diallerKeys(),
  bindings: [Binding, Binding] = [binding(), binding()],
) => ({
  listener: new ListenerExchange(crypto, listener, bindings[0]),
  dialler: new DiallerExchange(crypto, dialler, bindings[1]),
});

const admitted = (exchange: Exchange, step: ExchangeStep): ExchangeStep =>
  step.type === 'ask' ? exchange.admit() : step;

/** Runs an exchange; `change` may alter each message on its way. */
function converse(
  { listener, dialler }: ReturnType<typeof pair>,
  change: (message: Uint8Array, number: 1 | 2 | 3) => Uint8Array = (message) => message,
) {
  const offer = listener.takeMessage()!;
  admitted(dialler, dialler.receive(change(offer, 1)));
  const proof = dialler.takeMessage()!;
  const atListener = admitted(listener, listener.receive(change(proof, 2)));
  const accept = listener.takeMessage()!;
  const atDialler = admitted(dialler, dialler.receive(change(accept, 3)));
  return { messages: [offer, proof, accept] as const, atListener, atDialler };
}

function refused(act: () => unknown, why: RegExp): void {
  let error: unknown;
  try {
    act();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(PoolError);
  expect(error).toMatchObject({ code: 'ERR_POOL_AUTH_FAILED', message: expect.stringMatching(why) as string });
}

describe('known answers', () => {
  it.each([
    [
      'client-fresh-slot' as const,
      listenerKeys(),
      diallerKeys(),
      'a7ae9a9ef47eab436f662e3ee10aa8bc6a22b7a2e7106dcb1edcb00d692f310b',
      'fdbada4c76c84602951dbef928c9db1c6125c19f133c3c8d0820123456411c80',
    ],
    [
      'server' as const,
      { mode: 'psk', keys: [PSK], self: LISTENER_SELF } as const,
      { mode: 'psk', key: PSK, self: DIALLER_SELF } as const,
      '6653cdc462f0945e04a2c8e9c770a25b15295bdd3b9e71dba63682a04965e389',
      'f0587a82adf6fbcfb356cea12ba7560fac256ef54a76f10639e00d3a7cf2e327',
    ],
  ])('over the handshake of vectors/%s', (name, listener, dialler, transcript, digest) => {
    const { frames, sharedSecret } = readVectors(name);
    const [init, challenge] = [frames[0]!.frame, frames[1]!.frame];
    expect(hex(crypto.sha256(init, challenge))).toBe(transcript);
    const bind = () => bindExchange(crypto, sharedSecret, init, challenge);
    const { messages } = converse(pair(listener, dialler, [bind(), bind()]));
    const hash = createHash('sha256');
    for (const message of messages) hash.update(message);
    expect(hash.digest('hex')).toBe(digest);
  });
});

describe('an exchange', () => {
  it('proves both keys', () => {
    const { messages, atListener, atDialler } = converse(pair());
    expect(messages.map(({ length }) => length)).toEqual([160, 160, 160]);
    expect(atListener).toEqual({ type: 'open', peer: { method: 'key', publicKey: TEST_2.publicKey } });
    expect(atDialler).toEqual({ type: 'open', peer: { method: 'key', publicKey: TEST_1.publicKey } });
  });

  it('proves a listener to a stranger, who shows no key', () => {
    const { messages, atListener, atDialler } = converse(pair(listenerKeys({ demand: false })));
    expect(atListener).toEqual({ type: 'open', peer: null });
    expect(atDialler).toMatchObject({ peer: { method: 'key' } });
    expect(messages[1].subarray(32, 128)).toEqual(filled(0, 96));
  });

  it('proves a pre-shared key, any of up to four', () => {
    for (const at of [0, 1, 2, 3]) {
      const keys = [1, 2, 3, 4].map((byte) => preSharedKey(filled(byte)));
      keys[at] = PSK;
      const exchange = pair({ mode: 'psk', keys, self: LISTENER_SELF }, { mode: 'psk', key: PSK, self: DIALLER_SELF });
      const { atListener, atDialler } = converse(exchange);
      expect([atListener, atDialler]).toEqual([
        { type: 'open', peer: { method: 'psk' } },
        { type: 'open', peer: { method: 'psk' } },
      ]);
    }
  });

  it('shows nothing made of the pre-shared key before the dialler showed it', () => {
    const [one, other] = [1, 2].map((byte) =>
      new ListenerExchange(
        crypto,
        { mode: 'psk', keys: [preSharedKey(filled(byte))], self: LISTENER_SELF },
        binding(),
      ).takeMessage(),
    );
    expect(one).toEqual(other);
  });

  it('forgets its keys when it is over', () => {
    const bindings: [Binding, Binding] = [binding(), binding()];
    converse(pair(listenerKeys(), diallerKeys(), bindings));
    for (const { channel, key } of bindings) expect([channel, key]).toEqual([filled(0), filled(0)]);
  });
});

describe('an attacker who holds the session keys', () => {
  it('can change no bit of the three messages', () => {
    let cases = 0;
    for (const number of [1, 2, 3] as const) {
      for (let bit = 0; bit < 160 * 8; bit++) {
        const flip = (message: Uint8Array, at: number): Uint8Array => {
          if (at !== number) return message;
          const changed = message.slice();
          changed[bit >> 3]! ^= 1 << (bit & 7);
          return changed;
        };
        refused(() => converse(pair(), flip), /the peer was refused/);
        cases++;
      }
    }
    expect(cases).toBe(3840);
  });

  it.each([
    ['the offer for the proof', 1, 2],
    ['the proof for the acceptance', 2, 3],
    ['the offer for the acceptance', 1, 3],
  ] as const)('can not pass %s', (_, from, to) => {
    let kept: Uint8Array = new Uint8Array(160);
    refused(
      () =>
        converse(pair(), (message, number) => {
          if (number === from) kept = message.slice();
          return number === to ? kept : message;
        }),
      /message \d where \d was due/,
    );
  });

  it.each([1, 2, 3] as const)('can not bring message %i of another session of the same two', (number) => {
    const elsewhere = converse(pair(listenerKeys(), diallerKeys(), [binding(2), binding(2)]));
    refused(
      () => converse(pair(), (message, at) => (at === number ? elsewhere.messages[number - 1]! : message)),
      /does not fit/,
    );
  });

  it('who ends both sides has another binding on each', () => {
    refused(
      () => converse(pair(listenerKeys(), diallerKeys(), [binding(1), binding(2)])),
      /somebody stands in the path/,
    );
  });

  it("can not use a dialler's key as a listener's", () => {
    const impostor = pair(listenerKeys({ identity: TEST_2 }));
    refused(() => converse(impostor), /own key/);
  });

  it.each([
    ['keys', listenerKeys({ identity: TEST_2 }), diallerKeys({ self: LISTENER_SELF }), /own key/],
    [
      'a pre-shared key',
      { mode: 'psk', keys: [PSK], self: LISTENER_SELF } as const,
      { mode: 'psk', key: PSK, self: LISTENER_SELF } as const,
      /this very node/,
    ],
  ])("can not lead a dial back to the node's own listener: %s", (_, listener, dialler, why) => {
    refused(() => converse(pair(listener, dialler)), why);
  });

  it('lets a node dial its own listener under another key', () => {
    const { atDialler } = converse(pair(listenerKeys(), diallerKeys({ self: LISTENER_SELF })));
    expect(atDialler).toMatchObject({ type: 'open' });
  });

  it('can not clear the demand for a key', () => {
    const strict = pair();
    refused(() => converse(strict, (message, number) => (number === 1 ? withByte(message, 11, 0) : message)), /proof/);
  });

  it('can not leave out the key that was asked for', () => {
    const key = diallerKeys();
    const { listener } = pair();
    const lax = new DiallerExchange(crypto, key, binding());
    const permissive = new ListenerExchange(crypto, listenerKeys({ demand: false }), binding());
    lax.receive(permissive.takeMessage()!);
    lax.admit();
    listener.takeMessage();
    refused(() => listener.receive(lax.takeMessage()!), /does not fit/);
  });

  it.each([
    ['another version', 8, 2, /version 2/],
    ['another mode', 10, 2, /pre-shared/],
    ['a demand of 2', 11, 2, /demand/],
    ['a reserved byte', 12, 1, /reserved/],
    ['another protocol', 0, 0, /none of this protocol/],
  ])('gets nowhere with %s', (_, at, byte, why) => {
    refused(() => converse(pair(), (message, number) => (number === 1 ? withByte(message, at, byte) : message)), why);
  });

  it('gets nowhere with a message of another length', () => {
    refused(() => converse(pair(), (message) => message.subarray(0, 159)), /159 bytes/);
  });

  it('gets nowhere with a second message', () => {
    const { listener, dialler } = pair();
    const offer = listener.takeMessage()!;
    dialler.receive(offer);
    refused(() => dialler.receive(offer), /second offer/);
  });

  it.each([0, 100, 255])('who has the pre-shared key but for bit %i gets nothing', (bit) => {
    const wrong = PSK_BYTES.slice();
    wrong[bit >> 3]! ^= 1 << (bit & 7);
    const exchange = pair(
      { mode: 'psk', keys: [PSK], self: LISTENER_SELF },
      { mode: 'psk', key: preSharedKey(wrong), self: DIALLER_SELF },
    );
    refused(() => converse(exchange), /pre-shared key is another one/);
    expect(exchange.listener.takeMessage()).toBeNull();
  });

  it('is told apart from a key that shares 31 bytes', () => {
    const [one, other] = ['00', '01'].map((last) =>
      identity('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f' + last),
    );
    const { atDialler } = converse(pair(listenerKeys({ identity: one! }), diallerKeys({ identity: other! })));
    expect(atDialler).toEqual({ type: 'open', peer: { method: 'key', publicKey: one!.publicKey } });
  });

  it('is refused where a key is demanded and the dialler has none', () => {
    refused(() => converse(pair(listenerKeys(), diallerKeys({ identity: null }))), /no identity to show/);
  });

  it('is refused where one side has keys and the other a pre-shared key', () => {
    const listener: ListenerCredentials = { mode: 'psk', keys: [PSK], self: LISTENER_SELF };
    refused(() => converse(pair(listener)), /set up with/);
  });
});

function withByte(message: Uint8Array, at: number, byte: number): Uint8Array {
  const changed = message.slice();
  changed[at] = byte;
  return changed;
}
