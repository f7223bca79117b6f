/**
 * The protocol's cryptography on the OpenSSL that is part of Node, called through koffi. node:crypto makes an object for
 * each packet's cipher and another for its HMAC, which for short messages cost several times as much as the cryptography;
 * here contexts are keyed once and used for every packet.
 */
import { createHash, randomFillSync, timingSafeEqual } from 'node:crypto';
import { loadKoffi } from '../../base/koffi.js';
import { KEY_BYTES, NONCE_BYTES, NONCE_PREFIX_BYTES, TAG_BYTES } from '../protocol/constants.js';
import { unusablePublicKey } from '../protocol/faults.js';
import type { Cryptography } from './cryptography.js';
import { Ed25519Signatures } from './openssl-signatures.js';
import { AT, type Handles, HASH_BYTES, OpenSsl, type Pointer } from './openssl-library.js';
import type { Crypto, KeyPair, PacketCrypto } from '../protocol/types.js';

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
  const signatures = new Ed25519Signatures(lib);

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

    giveBack: (plaintext) => lib.plaintexts.giveBack(plaintext),

    sha256: (...pieces) => {
      const size = lib.gather(pieces, 0);
      if (size < 0) return longHash(pieces);
      lib.done(f.digest(at.input, size, at.hash, 0, lib.sha256, 0), 'computing a hash');
      return scratch.slice(AT.hash, AT.hash + HASH_BYTES);
    },

    hmacSha256,

    // RFC 5869: extract, and the first block of expand, which is all that 32 bytes take. What is extracted stays in the
    // scratch memory, and is overwritten there.
    hkdfSha256: (secret, info, salt = NO_SALT) => {
      const key = salt.length === 0 ? NO_SALT : salt;
      const block = blockOf(info);
      const context = f.newHmac();
      try {
        let ok = f.keyHmac(context, key, key.length, lib.sha256, 0);
        ok &= f.updateHmacWith(context, secret, secret.length);
        ok &= f.finishHmac(context, at.secret, 0);
        ok &= f.startHmac(context, at.secret, HASH_BYTES, lib.sha256, 0);
        ok &= f.updateHmacWith(context, block, block.length);
        ok &= f.finishHmac(context, at.hash, 0);
        lib.done(ok, 'deriving a key');
      } finally {
        f.freeHmac(context);
        scratch.fill(0, AT.secret, AT.secret + HASH_BYTES);
      }
      return lib.takeOut(AT.hash);
    },

    packetCrypto(sessionKey, hmacKey) {
      const keys = new OpenSslPacketCrypto(lib, sessionKey, hmacKey);
      sessionKey.fill(0);
      hmacKey.fill(0);
      return keys;
    },

    verifyEd25519: (publicKey, message, signature) => signatures.verify(publicKey, message, signature),

    signEd25519: (privateKey, message) => signatures.sign(privateKey, message),

    equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  });
}

/** The infos of the protocol as expand takes them; there are seven. */
const blocks = new Map<string, Uint8Array>();

function blockOf(info: string): Uint8Array {
  let block = blocks.get(info);
  if (block === undefined) blocks.set(info, (block = Buffer.from(`${info}\u0001`, 'latin1')));
  return block;
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
  const koffi = await loadKoffi();
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
