/**
 * A model in which the attacker has everything but the honest nodes' private keys: the shared secret of every session, so that it
 * makes any MAC, and all messages, which go where it likes. Random attacks are played; whatever opens must be a conversation that
 * both honest ends meant. Signatures are ideal here (a table), so that what is tried is the exchange and not Ed25519.
 */
import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../../src/base/errors.js';
import { nodeCrypto } from '../../../../src/poolnode/crypto/node-crypto.js';
import { DiallerExchange } from '../../../../src/poolnode/protocol/authentication/dialler-exchange.js';
import { type Binding, bindExchange, messageKey } from '../../../../src/poolnode/protocol/authentication/keys.js';
import { ListenerExchange } from '../../../../src/poolnode/protocol/authentication/listener-exchange.js';
import { signedByDialler, signedByListener } from '../../../../src/poolnode/protocol/authentication/signed.js';
import type { ExchangeStep, Identity } from '../../../../src/poolnode/protocol/authentication/types.js';
import { type Seeded, seeded } from '../seeded.js';

const RUNS = 10_000;
const PARTS = 10;
const SESSIONS = 3;
const STEPS = 14;

/** An ideal signature: only who has the table's entry makes it. */
function signatureOf(secret: string, message: Uint8Array): Uint8Array {
  const digest = createHash('sha512').update(secret).update(message).digest();
  return new Uint8Array(digest);
}
const secrets = new Map<string, string>();
function identity(name: string): Identity {
  const publicKey = new Uint8Array(createHash('sha256').update(name).digest());
  publicKey[31]! &= 0x7f;
  secrets.set(Buffer.from(publicKey).toString('hex'), name);
  return { publicKey, sign: (message) => signatureOf(name, message) };
}
const crypto = {
  ...nodeCrypto(),
  verifyEd25519: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean => {
    const secret = secrets.get(Buffer.from(publicKey).toString('hex'));
    return secret !== undefined && Buffer.compare(signatureOf(secret, message), signature) === 0;
  },
};

const HONEST = ['anna', 'bert', 'cleo', 'dora'].map(identity);
const MALLORY = identity('mallory');
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
const filled = (byte: number, size: number): Uint8Array => new Uint8Array(size).fill(byte);

/** One honest end. */
interface End {
  role: 'listener' | 'dialler';
  session: number;
  own: Identity;
  trusts: readonly Identity[];
  exchange: ListenerExchange | DiallerExchange;
  sent: Uint8Array[];
  /** The offer that it sent or took. */
  offer: Uint8Array | null;
  admitted: Uint8Array | null;
  state: 'waiting' | 'open' | 'refused';
}

class World {
  readonly #drawn: Seeded;
  readonly #binding = new Map<number, Binding>();
  readonly ends: End[] = [];
  readonly seen: Uint8Array[] = [];

  constructor(drawn: Seeded) {
    this.#drawn = drawn;
    for (let session = 0; session < SESSIONS; session++) this.#binding.set(session, this.#bind(session));
    for (const role of ['listener', 'dialler', 'listener', 'dialler'] as const) this.#add(role);
  }

  /** The attacker knows the secret, so it derives what both sides derive. */
  #bind(session: number): Binding {
    return bindExchange(crypto, filled(session, 32), filled(session, 144), filled(session, 178));
  }

  pick<T>(from: readonly T[]): T {
    return from[this.#drawn.int(from.length)]!;
  }

  /** True in so many of a hundred. */
  chance(percent: number): boolean {
    return this.#drawn.int(100) < percent;
  }

  #add(role: End['role']): void {
    const session = this.#drawn.int(SESSIONS);
    const own = this.pick(HONEST);
    const trusts = HONEST.filter(() => this.chance(70));
    const binding = this.#bind(session);
    const self = filled(this.ends.length + 1, 32);
    const exchange =
      role === 'listener'
        ? new ListenerExchange(crypto, { mode: 'keys', identity: own, demand: true, self }, binding)
        : new DiallerExchange(crypto, { mode: 'keys', identity: own, self }, binding);
    const end: End = { role, session, own, trusts, exchange, sent: [], offer: null, admitted: null, state: 'waiting' };
    this.#collect(end);
    if (role === 'listener') end.offer = end.sent[0]!;
    this.ends.push(end);
  }

  #collect(end: End): void {
    const message = end.exchange.takeMessage();
    if (message === null) return;
    end.sent.push(message.slice());
    this.seen.push(message.slice());
  }

  deliver(end: End, message: Uint8Array): void {
    if (end.state !== 'waiting') return;
    try {
      if (end.role === 'dialler' && end.offer === null) end.offer = message.slice();
      this.#follow(end, end.exchange.receive(message));
    } catch (error) {
      if (!(error instanceof PoolError)) throw error;
      end.state = 'refused';
    }
  }

  #follow(end: End, step: ExchangeStep): void {
    if (step.type === 'ask') {
      if (!end.trusts.some(({ publicKey }) => same(publicKey, step.publicKey))) {
        end.state = 'refused';
        return;
      }
      end.admitted = step.publicKey;
      return this.#follow(end, end.exchange.admit());
    }
    this.#collect(end);
    if (step.type === 'open') end.state = 'open';
  }

  /** A message for `end`: replayed, spliced, changed or of the attacker's own making, under a MAC that fits. */
  attack(end: End): Uint8Array {
    const number = end.role === 'listener' ? 2 : end.sent.length === 0 ? 1 : 3;
    const binding = this.#binding.get(end.session)!;
    const message = this.pick(this.seen).slice();
    const what = this.#drawn.int(100);
    if (what < 40) return message;
    message[9] = number;
    message[11] = number === 1 ? 1 : 0;
    if (number !== 1) message.fill(0, 16, 32);
    if (number === 3) message.fill(0, 32, 128);
    else if (what < 60) message.set(this.pick(this.seen).subarray(32, 128), 32);
    else if (what < 75) message.set(this.pick([...HONEST, MALLORY]).publicKey, 32);
    else if (what < 90) {
      message.set(MALLORY.publicKey, 32);
      const signed =
        number === 1
          ? signedByListener(binding, message.subarray(0, 64))
          : signedByDialler(binding, end.offer!, message.subarray(0, 64));
      message.set(MALLORY.sign(signed), 64);
    } else message[this.#drawn.int(128)]! ^= 1 << this.#drawn.int(8);
    // Of the three the last MAC alone covers messages that this end has sent: all of them were seen.
    const hash = createHmac(
      'sha256',
      messageKey(crypto, binding, (['offer', 'proof', 'accept'] as const)[number - 1]!, null),
    );
    if (number > 1) hash.update(end.offer!);
    if (number > 2) hash.update(end.sent[0]!);
    message.set(hash.update(message.subarray(0, 128)).digest(), 128);
    return message;
  }

  /** Passes on what an honest peer of the same session sent, as a network does. */
  honest(end: End): Uint8Array {
    const others = this.ends.filter(({ role, session }) => role !== end.role && session === end.session);
    const next = end.role === 'listener' ? 0 : end.sent.length;
    const sent = others.map((other) => other.sent[next]).filter((message) => message !== undefined);
    return sent.length === 0 ? this.pick(this.seen) : this.pick(sent);
  }

  /** What must hold of every end that opened. */
  check(end: End): string | null {
    if (end.state !== 'open') return null;
    const key = end.admitted!;
    if (!end.trusts.some(({ publicKey }) => same(publicKey, key))) return 'it opened for a key that it does not trust';
    const partners = this.ends.filter(
      (other) => other.role !== end.role && other.session === end.session && same(other.own.publicKey, key),
    );
    const agrees = partners.some((other) => {
      if (end.role === 'dialler') return same(other.offer!, end.offer!);
      return (
        other.offer !== null &&
        same(other.offer, end.offer!) &&
        same(other.admitted ?? filled(0, 32), end.own.publicKey)
      );
    });
    return agrees ? null : `a ${end.role} opened for somebody who did not mean it`;
  }
}

/** One stream for all parts: a seed brings back the whole file. */
const drawn = seeded('model of the exchange of proofs');

describe('an attacker who has every secret but the private keys', () => {
  it.each(Array.from({ length: PARTS }, (_, part) => part))(
    'opens nothing that both ends did not mean: part %i',
    () => {
      let opened = 0;
      let refused = 0;
      for (let run = 0; run < RUNS / PARTS; run++) {
        const world = new World(drawn);
        for (let step = 0; step < STEPS; step++) {
          const end = world.pick(world.ends);
          world.deliver(end, world.chance(30) ? world.attack(end) : world.honest(end));
        }
        for (const end of world.ends) {
          expect(world.check(end), `run ${run}`).toBeNull();
          if (end.state === 'open') opened++;
          if (end.state === 'refused') refused++;
        }
      }
      // Both happen, or nothing was tried.
      expect(opened).toBeGreaterThan(RUNS / PARTS / 20);
      expect(refused).toBeGreaterThan(RUNS / PARTS / 2);
    },
  );
});
