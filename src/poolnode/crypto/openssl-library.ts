/**
 * OpenSSL as a library: its functions, where JavaScript memory lies for them, and what they have made and somebody has to
 * free. Only documented functions are called.
 *
 * There are three kinds of raw pointers here, in openssl.ts and in openssl-signatures.ts, and nowhere else in the node.
 * Addresses of JavaScript memory come out of `AddressBook` alone, which checks offset and length against the memory's, so
 * that a wrong length is an exception and never a write beyond the end; each is used within the call that asked for it.
 * Memory that is always at hand is a field of the object that uses it, so that nothing collects it. Contexts and keys are
 * OpenSSL's; each has one owner, which frees it at the end of a session, or when it is collected.
 */
import type { KoffiFunc, LibraryHandle } from 'koffi';
import { PlaintextPool } from './plaintext-pool.js';

export const HASH_BYTES = 32;

/** OpenSSL's pointers, and addresses of memory, as numbers: below 2^53 on every machine, and koffi's cheapest argument. */
export type Pointer = number;

type Native<A extends unknown[], R = number> = KoffiFunc<(...args: A) => R>;

/** The functions, as openssl/evp.h, hmac.h, crypto.h and err.h declare them. */
function bind(library: LibraryHandle) {
  const native = <A extends unknown[], R = number>(definition: string) => library.func(definition) as Native<A, R>;
  return {
    chacha20Poly1305: native<[], Pointer>('uintptr_t EVP_chacha20_poly1305()'),
    fetchDigest: native<[Pointer, string, null], Pointer>(
      'uintptr_t EVP_MD_fetch(uintptr_t ctx, const char *algorithm, const char *properties)',
    ),
    digest: native<[Pointer, number, Pointer, Pointer, Pointer, Pointer]>(
      'int EVP_Digest(uintptr_t data, size_t count, uintptr_t md, uintptr_t size, uintptr_t type, uintptr_t impl)',
    ),
    newCipher: native<[], Pointer>('uintptr_t EVP_CIPHER_CTX_new()'),
    freeCipher: native<[Pointer], void>('void EVP_CIPHER_CTX_free(uintptr_t ctx)'),
    keyCipher: native<[Pointer, Pointer, Pointer, Uint8Array, Pointer, number]>(
      'int EVP_CipherInit_ex(uintptr_t ctx, uintptr_t type, uintptr_t impl, const void *key, uintptr_t iv, int enc)',
    ),
    startCipher: native<[Pointer, Pointer, Pointer, Pointer, Uint8Array, number]>(
      'int EVP_CipherInit_ex(uintptr_t ctx, uintptr_t type, uintptr_t impl, uintptr_t key, const void *iv, int enc)',
    ),
    encrypt: native<[Pointer, Pointer, Pointer, Uint8Array, number]>(
      'int EVP_CipherUpdate(uintptr_t ctx, uintptr_t out, uintptr_t outl, const void *in, int inl)',
    ),
    decrypt: native<[Pointer, Pointer, Pointer, Pointer, number]>(
      'int EVP_CipherUpdate(uintptr_t ctx, uintptr_t out, uintptr_t outl, uintptr_t in, int inl)',
    ),
    finishCipher: native<[Pointer, Pointer, Pointer]>(
      'int EVP_CipherFinal_ex(uintptr_t ctx, uintptr_t out, uintptr_t outl)',
    ),
    controlCipher: native<[Pointer, number, number, Pointer]>(
      'int EVP_CIPHER_CTX_ctrl(uintptr_t ctx, int type, int arg, uintptr_t ptr)',
    ),
    newHmac: native<[], Pointer>('uintptr_t HMAC_CTX_new()'),
    freeHmac: native<[Pointer], void>('void HMAC_CTX_free(uintptr_t ctx)'),
    keyHmac: native<[Pointer, Uint8Array, number, Pointer, Pointer]>(
      'int HMAC_Init_ex(uintptr_t ctx, const void *key, int len, uintptr_t md, uintptr_t impl)',
    ),
    startHmac: native<[Pointer, Pointer, number, Pointer, Pointer]>(
      'int HMAC_Init_ex(uintptr_t ctx, uintptr_t key, int len, uintptr_t md, uintptr_t impl)',
    ),
    updateHmac: native<[Pointer, Pointer, number]>('int HMAC_Update(uintptr_t ctx, uintptr_t data, size_t len)'),
    updateHmacWith: native<[Pointer, Uint8Array, number]>(
      'int HMAC_Update(uintptr_t ctx, const void *data, size_t len)',
    ),
    finishHmac: native<[Pointer, Pointer, Pointer]>('int HMAC_Final(uintptr_t ctx, uintptr_t md, uintptr_t len)'),
    differ: native<[Pointer, Uint8Array, number]>('int CRYPTO_memcmp(uintptr_t a, const void *b, size_t len)'),
    forgetErrors: native<[], void>('void ERR_clear_error()'),
    privateKey: native<[number, Pointer, Pointer, number], Pointer>(
      'uintptr_t EVP_PKEY_new_raw_private_key(int type, uintptr_t e, uintptr_t key, size_t keylen)',
    ),
    publicKey: native<[number, Pointer, Uint8Array, number], Pointer>(
      'uintptr_t EVP_PKEY_new_raw_public_key(int type, uintptr_t e, const void *key, size_t keylen)',
    ),
    rawPublicKey: native<[Pointer, Pointer, Pointer]>(
      'int EVP_PKEY_get_raw_public_key(uintptr_t pkey, uintptr_t pub, uintptr_t len)',
    ),
    freeKey: native<[Pointer], void>('void EVP_PKEY_free(uintptr_t pkey)'),
    newAgreement: native<[Pointer, Pointer], Pointer>('uintptr_t EVP_PKEY_CTX_new(uintptr_t pkey, uintptr_t e)'),
    freeAgreement: native<[Pointer], void>('void EVP_PKEY_CTX_free(uintptr_t ctx)'),
    startAgreement: native<[Pointer]>('int EVP_PKEY_derive_init(uintptr_t ctx)'),
    setPeer: native<[Pointer, Pointer]>('int EVP_PKEY_derive_set_peer(uintptr_t ctx, uintptr_t peer)'),
    newDigest: native<[], Pointer>('uintptr_t EVP_MD_CTX_new()'),
    resetDigest: native<[Pointer]>('int EVP_MD_CTX_reset(uintptr_t ctx)'),
    startVerify: native<[Pointer, Pointer, Pointer, Pointer, Pointer]>(
      'int EVP_DigestVerifyInit(uintptr_t ctx, uintptr_t pctx, uintptr_t type, uintptr_t e, uintptr_t pkey)',
    ),
    verifySignature: native<[Pointer, Uint8Array, number, Uint8Array, number]>(
      'int EVP_DigestVerify(uintptr_t ctx, const void *sig, size_t siglen, const void *tbs, size_t tbslen)',
    ),
    startSign: native<[Pointer, Pointer, Pointer, Pointer, Pointer]>(
      'int EVP_DigestSignInit(uintptr_t ctx, uintptr_t pctx, uintptr_t type, uintptr_t e, uintptr_t pkey)',
    ),
    makeSignature: native<[Pointer, Pointer, Pointer, Uint8Array, number]>(
      'int EVP_DigestSign(uintptr_t ctx, uintptr_t sig, uintptr_t siglen, const void *tbs, size_t tbslen)',
    ),
    agree: native<[Pointer, Pointer, Pointer]>('int EVP_PKEY_derive(uintptr_t ctx, uintptr_t key, uintptr_t keylen)'),
  };
}

/** Where JavaScript memory lies. A book serves one kind of memory, in which one buffer follows itself most of the time. */
class AddressBook {
  readonly #address: (memory: Uint8Array) => bigint;
  #buffer: ArrayBufferLike | null = null;
  #base = 0;

  constructor(address: (memory: Uint8Array) => bigint) {
    this.#address = address;
  }

  /** The address of `length` bytes of `memory` from `from` on. Throws RangeError where they are not all within it. */
  of(memory: Uint8Array, from: number, length: number): Pointer {
    if (!(from >= 0 && length >= 0 && from + length <= memory.length)) {
      throw new RangeError(`${length} bytes from ${from} on are not within ${memory.length}`);
    }
    const { buffer } = memory;
    // Memory that was transferred has no length any more, and a buffer never moves otherwise: a known base stays right.
    if (buffer !== this.#buffer) {
      this.#base = Number(this.#address(memory)) - memory.byteOffset;
      this.#buffer = buffer;
    }
    return this.#base + memory.byteOffset + from;
  }
}

/** Bytes of the memory that is always at hand, and what is where in it. */
const SCRATCH_BYTES = 1024;
export const AT = Object.freeze({
  /** Lengths that OpenSSL writes and nobody reads, and such that it reads. */
  length: 0,
  hash: 16,
  secret: 48,
  publicKey: 80,
  input: 128,
});
const INPUT_BYTES = SCRATCH_BYTES - AT.input;

export interface Handles {
  seal: Pointer;
  open: Pointer;
  hmac: Pointer;
}

/** OpenSSL in one thread: its functions, and the memory that calls share. No call is ever made within another. */
export class OpenSsl {
  readonly f: ReturnType<typeof bind>;
  readonly cipher: Pointer;
  readonly sha256: Pointer;
  /** Memory that packets are sealed into, such that they are opened from, and such that they are opened into. */
  readonly outgoing: AddressBook;
  readonly incoming: AddressBook;
  readonly opened: AddressBook;
  readonly plaintexts = new PlaintextPool();
  readonly scratch = new Uint8Array(SCRATCH_BYTES);
  readonly lengths = new BigUint64Array(this.scratch.buffer, AT.length, 1);
  readonly at: Readonly<Record<keyof typeof AT, Pointer>>;
  readonly #dropped: FinalizationRegistry<Handles | Pointer>;

  constructor(library: LibraryHandle, address: (memory: Uint8Array) => bigint) {
    this.f = bind(library);
    this.cipher = this.f.chacha20Poly1305();
    this.sha256 = this.f.fetchDigest(0, 'SHA256', null);
    if (this.cipher === 0 || this.sha256 === 0) throw new Error('OpenSSL has no ChaCha20-Poly1305 or no SHA-256');
    this.outgoing = new AddressBook(address);
    this.incoming = new AddressBook(address);
    this.opened = new AddressBook(address);
    const base = new AddressBook(address).of(this.scratch, 0, SCRATCH_BYTES);
    const entries = Object.entries(AT).map(([name, offset]) => [name, base + offset]);
    this.at = Object.fromEntries(entries) as Record<keyof typeof AT, Pointer>;
    this.#dropped = new FinalizationRegistry((held) => this.free(held));
  }

  /** `owner` holds these from now on: they are freed by `release`, or once the owner is collected. */
  own(owner: object, held: Handles | Pointer): void {
    this.#dropped.register(owner, held, owner);
  }

  release(owner: object, held: Handles | Pointer): void {
    this.#dropped.unregister(owner);
    this.free(held);
  }

  free(held: Handles | Pointer): void {
    if (typeof held === 'number') return this.f.freeKey(held);
    // OpenSSL takes a null pointer for nothing to free, and overwrites keys when it frees them.
    this.f.freeCipher(held.seal);
    this.f.freeCipher(held.open);
    this.f.freeHmac(held.hmac);
  }

  /** OpenSSL says 1 for success everywhere. A failure that is left in its queue would be blamed on somebody's next call. */
  done(result: number, what: string): void {
    if (result === 1) return;
    this.f.forgetErrors();
    throw new Error(`OpenSSL failed: ${what}`);
  }

  /** Puts pieces one behind the other into the scratch memory; how many bytes, or -1 where they do not fit. */
  gather(pieces: readonly Uint8Array[], from: number): number {
    let at = from;
    for (const piece of pieces) {
      if (at + piece.length > INPUT_BYTES) return -1;
      this.scratch.set(piece, AT.input + at);
      at += piece.length;
    }
    return at - from;
  }

  /** A copy of 32 bytes of the scratch memory, which are overwritten. */
  takeOut(at: number): Uint8Array {
    const out = this.scratch.slice(at, at + HASH_BYTES);
    this.scratch.fill(0, at, at + HASH_BYTES);
    return out;
  }
}
