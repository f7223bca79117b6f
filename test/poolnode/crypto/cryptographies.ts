/** The kinds of cryptography, each with its name: what holds of one holds of all. */
import { chooseCryptography, CRYPTO_KINDS, type Cryptography } from '../../../src/poolnode/crypto/cryptography.js';

/** All of them can be had on Node with koffi's binary for the machine; a kind that can't fails the file that asks for it. */
export const CRYPTOGRAPHIES: readonly Cryptography[] = await Promise.all(
  CRYPTO_KINDS.map((kind) => chooseCryptography(kind)),
);
