/**
 * What tests draw at random, from one seed for each run of a test file. It is printed, and POOL_TEST_SEED brings it back: then
 * every test draws the same again, whichever others run. (Nodes that talk over sockets draw their keys from node:crypto, as
 * users' do; no test depends on those.)
 */
import { createCipheriv, createHash, randomInt } from 'node:crypto';
import { expect } from 'vitest';
import { nodeCrypto, x25519KeyPair } from '../src/poolnode/crypto/node-crypto.js';
import type { Crypto, KeyPair } from '../src/poolnode/protocol/types.js';

const seed = Number(process.env['POOL_TEST_SEED'] ?? randomInt(2 ** 31));
const told = new Set<string>();

/** The seed, printed with what it is drawn for. */
export function testSeed(what: string): number {
  if (!told.has(what)) console.info(`${what}: POOL_TEST_SEED=${seed}`);
  told.add(what);
  return seed;
}

/** How often each test has drawn. */
const draws = new Map<string, number>();

/** As of node:crypto; what comes depends on the seed, the test, and how often it has drawn before. */
export function randomBytes(size: number): Buffer {
  const test = expect.getState().currentTestName ?? '';
  const draw = draws.get(test) ?? 0;
  draws.set(test, draw + 1);
  const key = createHash('sha256')
    .update(`${testSeed('random bytes')} ${draw} ${test}`)
    .digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size));
}

/** As of node:crypto, with the same source. */
export function randomBetween(from: number, below: number): number {
  return from + Math.floor((randomBytes(6).readUIntBE(0, 6) / 2 ** 48) * (below - from));
}

/**
 * The real cryptography, whose keys and seeds replay.
 * @param keyPairs so many are made in a test, and then come again in turn: making one takes longer than all else that a short
 * conversation does, so tests that have thousands of them, and try something else than the agreement, ask for few
 */
export function seededCrypto(real: Crypto = nodeCrypto(), keyPairs = Infinity): Crypto {
  let test: string | undefined;
  let made: KeyPair[] = [];
  let asked = 0;
  const make = (): KeyPair => x25519KeyPair(randomBytes(32));
  return {
    ...real,
    generateKeyPair: () => {
      if (keyPairs === Infinity) return make();
      // Each test has its own, or a test would draw otherwise when it runs alone.
      const { currentTestName = '' } = expect.getState();
      if (currentTestName !== test) [test, made, asked] = [currentTestName, [], 0];
      return (made[asked++ % keyPairs] ??= make());
    },
    randomBytes: (size) => Uint8Array.from(randomBytes(size)),
  };
}
