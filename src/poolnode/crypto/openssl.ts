/**
 * The protocol's cryptography on the OpenSSL that is part of Node, called through koffi. node:crypto makes an object for
 * each packet's cipher and another for its HMAC, which for short messages cost several times as much as the cryptography;
 * here contexts are keyed once and used for every packet.
 *
 * This is the one file of the node that holds raw pointers, and there are three kinds of them. Addresses of JavaScript
 * memory come out of `AddressBook` alone, which checks offset and length against the memory's, so that a wrong length is an
 * exception and never a write beyond the end; each is used within the call that asked for it. Memory that is always at hand
 * is a field of the object that uses it, so that nothing collects it. Contexts and keys are OpenSSL's; each has one owner,
 * which frees it at the end of a session, or when it is collected. Only documented functions are called.
 */
import { createHash, randomFillSync, timingSafeEqual } from 'node:crypto';
import type { KoffiFunc, LibraryHandle } from 'koffi';
import { unusablePublicKey } from '../protocol/faults.js';
import type { Cryptography } from './cryptography.js';
import { nodeCryptography } from './node-crypto.js';
import { PlaintextPool } from './plaintext-pool.js';
import type { Crypto, KeyPair, PacketCrypto } from '../protocol/types.js';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HASH_BYTES = 32;
const NONCE_PREFIX_BYTES = 4;
/** RFC 5869, section 2.2. */
const NO_SALT = new Uint8Array(HASH_BYTES);

/** EVP_PKEY_X25519 of openssl/obj_mac.h. */
const X25519 = 1034;
/** EVP_CTRL_AEAD_GET_TAG and EVP_CTRL_AEAD_SET_TAG of openssl/evp.h. */
const GET_TAG = 0x10;
const SET_TAG = 0x11;
const DECRYPT = 0;
const ENCRYPT = 1;
/** For EVP_CipherInit_ex: leave the direction as it is. */
const UNCHANGED = -1;

/** OpenSSL's pointers, and addresses of memory, as numbers: below 2^53 on every machine, and koffi's cheapest argument. */
type Pointer = number;

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
const AT = Object.freeze({
  /** Lengths that OpenSSL writes and nobody reads, and such that it reads. */
  length: 0,
  hash: 16,
  secret: 48,
  publicKey: 80,
  input: 128,
});
const INPUT_BYTES = SCRATCH_BYTES - AT.input;

interface Handles {
  seal: Pointer;
  open: Pointer;
  hmac: Pointer;
}

/** OpenSSL in one thread: its functions, and the memory that calls share. No call is ever made within another. */
class OpenSsl {
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

class OpenSslPacketCrypto implements PacketCrypto {
  readonly #lib: OpenSsl;
  readonly #noncePrefix: Uint8Array;
  readonly #handles: Handles;
  #seal: Pointer;
  #open: Pointer;
  #hmac: Pointer;

  constructor(lib: OpenSsl, sessionKey: Uint8Array, hmacKey: Uint8Array) {
    const { f } = lib;
    if (sessionKey.length !== KEY_BYTES) throw new RangeError(`a session key has ${KEY_BYTES} bytes`);
    this.#lib = lib;
    this.#noncePrefix = hmacKey.slice(0, NONCE_PREFIX_BYTES);
    const handles = { seal: f.newCipher(), open: f.newCipher(), hmac: f.newHmac() };
    this.#handles = handles;
    ({ seal: this.#seal, open: this.#open, hmac: this.#hmac } = handles);
    lib.own(this, handles);
    lib.done(f.keyCipher(this.#seal, lib.cipher, 0, sessionKey, 0, ENCRYPT), 'keying a cipher');
    lib.done(f.keyCipher(this.#open, lib.cipher, 0, sessionKey, 0, DECRYPT), 'keying a cipher');
    lib.done(f.keyHmac(this.#hmac, hmacKey, hmacKey.length, lib.sha256, 0), 'keying an HMAC');
  }

  /** Part of the HMAC key, hence not an own property that inspection would print. */
  get noncePrefix(): Uint8Array {
    return this.#noncePrefix;
  }

  seal(nonce: Uint8Array, plaintext: Uint8Array, out: Uint8Array, at: number): void {
    const { f, at: scratch, outgoing } = this.#lib;
    const size = plaintext.length;
    const target = outgoing.of(out, at, size + TAG_BYTES);
    const context = this.#context(this.#seal, nonce);
    let ok = f.startCipher(context, 0, 0, 0, nonce, UNCHANGED);
    if (size > 0) ok &= f.encrypt(context, target, scratch.length, plaintext, size);
    ok &= f.finishCipher(context, target + size, scratch.length);
    ok &= f.controlCipher(context, GET_TAG, TAG_BYTES, target + size);
    this.#lib.done(ok, 'sealing a packet');
  }

  open(nonce: Uint8Array, sealed: Uint8Array, from: number, to: number): Uint8Array | null {
    const { f, at: scratch, incoming, opened, plaintexts } = this.#lib;
    const size = to - from - TAG_BYTES;
    if (size < 0) return null;
    const source = incoming.of(sealed, from, size + TAG_BYTES);
    const context = this.#context(this.#open, nonce);
    const plaintext = plaintexts.allocate(size);
    const target = size === 0 ? scratch.input : opened.of(plaintext, 0, size);
    let ok = f.startCipher(context, 0, 0, 0, nonce, UNCHANGED);
    ok &= f.controlCipher(context, SET_TAG, TAG_BYTES, source + size);
    if (size > 0) ok &= f.decrypt(context, target, scratch.length, source, size);
    this.#lib.done(ok, 'opening a packet');
    // Held back until this has seen the tag.
    if (f.finishCipher(context, target, scratch.length) === 1) return plaintext;
    f.forgetErrors();
    plaintext.fill(0);
    return null;
  }

  sign(bytes: Uint8Array, from: number, to: number, at: number): void {
    const { f, outgoing } = this.#lib;
    const size = to - from;
    const source = outgoing.of(bytes, from, size);
    const target = outgoing.of(bytes, at, HASH_BYTES);
    const context = this.#context(this.#hmac);
    let ok = f.startHmac(context, 0, 0, 0, 0);
    ok &= f.updateHmac(context, source, size);
    ok &= f.finishHmac(context, target, 0);
    this.#lib.done(ok, 'authenticating a packet');
  }

  verify(mac: Uint8Array, header: Uint8Array, payload: Uint8Array, from: number, to: number): boolean {
    const { f, at: scratch, incoming } = this.#lib;
    const size = to - from;
    const source = incoming.of(payload, from, size);
    const context = this.#context(this.#hmac);
    let ok = f.startHmac(context, 0, 0, 0, 0);
    ok &= f.updateHmacWith(context, header, header.length);
    if (size > 0) ok &= f.updateHmac(context, source, size);
    ok &= f.finishHmac(context, scratch.hash, 0);
    this.#lib.done(ok, 'authenticating a packet');
    return mac.length === HASH_BYTES && f.differ(scratch.hash, mac, HASH_BYTES) === 0;
  }

  dispose(): void {
    if (this.#hmac === 0) return;
    this.#seal = this.#open = this.#hmac = 0;
    this.#lib.release(this, this.#handles);
  }

  #context(context: Pointer, nonce?: Uint8Array): Pointer {
    if (context === 0) throw new Error('these keys were given up');
    if (nonce !== undefined && nonce.length !== NONCE_BYTES) throw new RangeError(`a nonce has ${NONCE_BYTES} bytes`);
    return context;
  }
}

class OpenSslKeyPair implements KeyPair {
  readonly publicKey: Uint8Array;
  readonly #lib: OpenSsl;
  #key: Pointer;

  /** The private key is at `secret` in the scratch memory, and is overwritten there. */
  constructor(lib: OpenSsl) {
    const { f, at, scratch, lengths } = lib;
    this.#lib = lib;
    this.#key = f.privateKey(X25519, 0, at.secret, KEY_BYTES);
    scratch.fill(0, AT.secret, AT.secret + KEY_BYTES);
    lib.done(this.#key === 0 ? 0 : 1, 'making a key');
    lib.own(this, this.#key);
    lengths[0] = BigInt(KEY_BYTES);
    lib.done(f.rawPublicKey(this.#key, at.publicKey, at.length), 'reading a public key');
    this.publicKey = lib.takeOut(AT.publicKey);
  }

  agree(peerPublicKey: Uint8Array): Uint8Array {
    const { f, at, lengths } = this.#lib;
    if (this.#key === 0) throw new Error('these keys were given up');
    if (peerPublicKey.length !== KEY_BYTES) throw unusablePublicKey();
    const peer = f.publicKey(X25519, 0, peerPublicKey, KEY_BYTES);
    const context = f.newAgreement(this.#key, 0);
    lengths[0] = BigInt(KEY_BYTES);
    const agreed =
      peer !== 0 &&
      context !== 0 &&
      f.startAgreement(context) === 1 &&
      f.setPeer(context, peer) === 1 &&
      f.agree(context, at.secret, at.length) === 1;
    f.freeAgreement(context);
    f.freeKey(peer);
    if (agreed) return this.#lib.takeOut(AT.secret);
    f.forgetErrors();
    throw unusablePublicKey();
  }

  dispose(): void {
    if (this.#key === 0) return;
    this.#lib.release(this, this.#key);
    this.#key = 0;
  }
}

function crypto(lib: OpenSsl): Crypto {
  const { f, at, scratch } = lib;

  const hmacSha256 = (key: Uint8Array, ...pieces: Uint8Array[]): Uint8Array => {
    const context = f.newHmac();
    try {
      lib.done(f.keyHmac(context, key, key.length, lib.sha256, 0), 'keying an HMAC');
      for (const piece of pieces) lib.done(f.updateHmacWith(context, piece, piece.length), 'computing an HMAC');
      lib.done(f.finishHmac(context, at.hash, 0), 'computing an HMAC');
    } finally {
      f.freeHmac(context);
    }
    return lib.takeOut(AT.hash);
  };

  return Object.freeze<Crypto>({
    generateKeyPair: () => {
      randomFillSync(scratch, AT.secret, KEY_BYTES);
      return new OpenSslKeyPair(lib);
    },

    randomBytes: (size) => randomFillSync(new Uint8Array(size)),

    sha256: (...pieces) => {
      const size = lib.gather(pieces, 0);
      if (size < 0) return longHash(pieces);
      lib.done(f.digest(at.input, size, at.hash, 0, lib.sha256, 0), 'computing a hash');
      return scratch.slice(AT.hash, AT.hash + HASH_BYTES);
    },

    hmacSha256,

    // RFC 5869: extract, and the first block of expand, which is all that 32 bytes take.
    hkdfSha256: (secret, info, salt = NO_SALT) => {
      const pseudorandom = hmacSha256(salt.length === 0 ? NO_SALT : salt, secret);
      const out = hmacSha256(pseudorandom, Buffer.from(`${info}\u0001`, 'latin1'));
      pseudorandom.fill(0);
      return out;
    },

    packetCrypto(sessionKey, hmacKey) {
      const keys = new OpenSslPacketCrypto(lib, sessionKey, hmacKey);
      sessionKey.fill(0);
      hmacKey.fill(0);
      return keys;
    },

    // Once a session: nothing to gain.
    verifyEd25519: (publicKey, message, signature) =>
      nodeCryptography.crypto.verifyEd25519(publicKey, message, signature),

    equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  });
}

/** What does not fit into the memory at hand: nothing that POOL hashes. */
function longHash(pieces: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest();
}

/**
 * Loads koffi and binds OpenSSL, once a thread. Rejects with whatever stands against it: koffi that can't be loaded
 * (a bundle, `--permission`, Deno without ffi), a runtime whose cryptography is not OpenSSL (Bun, Electron).
 */
export async function loadOpenSsl(): Promise<Cryptography> {
  const { default: koffi } = await import('koffi');
  const lib = new OpenSsl(koffi.load(null), (memory) => BigInt(koffi.address(memory)));
  return {
    kind: 'openssl',
    crypto: crypto(lib),
    keyPair: (privateKey) => {
      if (privateKey.length !== KEY_BYTES) throw new RangeError(`a private key has ${KEY_BYTES} bytes`);
      lib.scratch.set(privateKey, AT.secret);
      return new OpenSslKeyPair(lib);
    },
  };
}
