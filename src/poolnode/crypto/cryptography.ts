/**
 * Which cryptography a process runs on. All kinds give the same bytes; they differ in speed and in what they need:
 * `openssl` (OpenSSL through koffi), `node` (node:crypto), `portable` (node:crypto, and a cipher in JavaScript). The first
 * that can be had and gives the known answers is taken, and nobody is bothered with why another was not.
 */
import { PoolError } from '../../base/errors.js';
import { testCrypto } from './crypto-self-test.js';
import { nodeCryptography } from './node-crypto.js';
import { loadOpenSsl } from './openssl.js';
import { loadPortable } from './portable-cipher.js';
import type { Crypto, KeyPair } from '../protocol/types.js';
import type { CryptoKind } from '../types.js';

/** The kinds, the fastest first. */
export const CRYPTO_KINDS: readonly CryptoKind[] = ['openssl', 'node', 'portable'];

export interface Cryptography {
  readonly kind: CryptoKind;
  readonly crypto: Crypto;
  /** The key pair of a given 32-byte private key: for known answers, since a node makes its own at random. */
  readonly keyPair: (privateKey: Uint8Array) => KeyPair;
}

/** How each kind is had; rejects where it can't be. Tests give their own. */
export type CryptographyLoaders = Readonly<Record<CryptoKind, () => Promise<Cryptography>>>;

const LOADERS: CryptographyLoaders = {
  openssl: loadOpenSsl,
  node: async () => nodeCryptography,
  portable: loadPortable,
};

let loaded: Promise<Cryptography> | undefined;

/**
 * The cryptography of this thread, chosen once, at its first use: koffi is loaded here and not before. POOL_CRYPTO forces a kind.
 * @throws (rejects) ERR_FEATURE_UNAVAILABLE_ON_PLATFORM where none can be had, or not the one that is forced;
 * ERR_INVALID_ARG_VALUE for a POOL_CRYPTO that names none. Both are the same at the next call.
 */
export function loadCryptography(): Promise<Cryptography> {
  return (loaded ??= chooseCryptography(process.env['POOL_CRYPTO']));
}

/**
 * The kind of cryptography that the nodes of this thread run on; chooses it if nothing has yet.
 * @throws (rejects) ERR_FEATURE_UNAVAILABLE_ON_PLATFORM where none can be had, or not the one that POOL_CRYPTO forces;
 * ERR_INVALID_ARG_VALUE for a POOL_CRYPTO that names none
 */
export async function cryptographyInUse(): Promise<CryptoKind> {
  return (await loadCryptography()).kind;
}

/** As {@link loadCryptography}, without remembering. `wanted`: the environment's word, undefined or empty for none. */
export async function chooseCryptography(
  wanted: string | undefined,
  loaders: CryptographyLoaders = LOADERS,
): Promise<Cryptography> {
  const forced = wanted === undefined || wanted === '' ? undefined : kindOf(wanted);
  let cause: unknown;
  for (const kind of forced === undefined ? CRYPTO_KINDS : [forced]) {
    try {
      const cryptography = await loaders[kind]();
      testCrypto(cryptography.crypto, cryptography.keyPair);
      return cryptography;
    } catch (error) {
      cause = error;
    }
  }
  const code = 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM';
  if (forced === undefined) throw new PoolError(code, 'this runtime has no cryptography that POOL can use', { cause });
  const reason = `the cryptography that POOL_CRYPTO asks for (${forced}) can't be had here: unset it to use another`;
  throw new PoolError(code, reason, { cause });
}

function kindOf(wanted: string): CryptoKind {
  const kind = CRYPTO_KINDS.find((known) => known === wanted);
  if (kind !== undefined) return kind;
  const reason = `POOL_CRYPTO is one of ${CRYPTO_KINDS.join(', ')}, not ${JSON.stringify(wanted)}`;
  throw new PoolError('ERR_INVALID_ARG_VALUE', reason);
}
