/** The puzzle of CHALLENGE (wire protocol, Handshake): SHA-256(seed || solution) starts with `difficulty` zero bits. */
import { KEY_BYTES, LIMITS } from './constants.js';
import { violation } from './faults.js';
import type { Crypto } from './types.js';

/** Whether `digest` starts with `bits` zero bits, most significant first. */
export function startsWithZeroBits(digest: Uint8Array, bits: number): boolean {
  const wholeBytes = bits >> 3;
  if (bits > digest.length * 8) return false;
  for (let i = 0; i < wholeBytes; i++) if (digest[i] !== 0) return false;
  const rest = bits & 7;
  return rest === 0 || digest[wholeBytes]! >> (8 - rest) === 0;
}

export function solves(crypto: Crypto, seed: Uint8Array, difficulty: number, solution: Uint8Array): boolean {
  return startsWithZeroBits(crypto.sha256(seed, solution), difficulty);
}

/**
 * Solves a puzzle in steps of a bounded number of hashes, trying a little-endian u64 counter in the first 8 bytes as the
 * module does. A difficulty above LIMITS.puzzleDifficultyBits is refused: it would only burn our time.
 */
export class PuzzleSolver {
  readonly #crypto: Crypto;
  readonly #seed: Uint8Array;
  readonly #difficulty: number;
  readonly #solution = new Uint8Array(KEY_BYTES);
  readonly #view = new DataView(this.#solution.buffer);
  /** Below 2^26 by the limits, so the upper half of the u64 stays 0. */
  #counter = 0;

  constructor(crypto: Crypto, seed: Uint8Array, difficulty: number) {
    if (difficulty > LIMITS.puzzleDifficultyBits) {
      throw violation(
        `CHALLENGE asks for ${difficulty} bits, above the ${LIMITS.puzzleDifficultyBits} that are solved`,
      );
    }
    this.#crypto = crypto;
    this.#seed = seed;
    this.#difficulty = difficulty;
  }

  /** The solution, 32 bytes, or null: call again. */
  step(tries: number = LIMITS.puzzleTriesPerStep): Uint8Array | null {
    const last = LIMITS.puzzleTriesFactor * 2 ** this.#difficulty;
    for (let i = 0; i < tries; i++) {
      if (this.#counter > last) throw violation('CHALLENGE has no solution');
      this.#view.setUint32(0, this.#counter, true);
      if (solves(this.#crypto, this.#seed, this.#difficulty, this.#solution)) return this.#solution.slice();
      this.#counter++;
    }
    return null;
  }
}
