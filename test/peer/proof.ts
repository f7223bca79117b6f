/**
 * The exchange of proofs a second time, for tests only: it shares no code with src and was written from the description of the
 * messages alone. Buffers and node:crypto, one function a message; a side that finds something wrong throws.
 */
import * as crypto from 'node:crypto';

/** One side: who it is, or the secret that both have. */
export interface Party {
  mode: 'keys' | 'psk';
  /** 32 bytes of an Ed25519 private key; a dialler may have none. */
  seed?: Buffer;
  /** Of a listener in mode keys: the dialler must prove a key. */
  demand?: boolean;
  psk?: Buffer;
  /** 32 random bytes of the process. */
  process: Buffer;
}

/** What both sides of a handshake know: Z of X25519, and the two first packets as they were on the wire. */
export interface Handshake {
  z: Buffer;
  init: Buffer;
  challenge: Buffer;
}

const label = (text: string): Buffer => Buffer.from(`pool-ts auth v1 ${text}`, 'latin1');

/** RFC 5869 with one block of output, spelled out. */
function hkdf(ikm: Buffer, salt: Buffer, info: Buffer): Buffer {
  const prk = crypto.createHmac('sha256', salt).update(ikm).digest();
  return crypto.createHmac('sha256', prk).update(info).update(Buffer.of(1)).digest();
}

const mac = (key: Buffer, ...parts: Buffer[]): Buffer =>
  crypto.createHmac('sha256', key).update(Buffer.concat(parts)).digest();

/** All that is derived; names as the description has them. */
export function derive({ z, init, challenge }: Handshake, psk: Buffer | undefined) {
  const t = crypto
    .createHash('sha256')
    .update(Buffer.concat([init, challenge]))
    .digest();
  const cb = hkdf(z, t, Buffer.from('pool-ts channel binding v1'));
  const ak = hkdf(z, t, label('key'));
  const q = psk ?? Buffer.alloc(32);
  return {
    t,
    cb,
    ak,
    k1: hkdf(Buffer.alloc(32), ak, label('offer')),
    k2: hkdf(q, ak, label('proof')),
    k3: hkdf(q, ak, label('accept')),
  };
}

const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

const privateKey = (seed: Buffer): crypto.KeyObject =>
  crypto.createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });

/** The 32 bytes of the public key. */
export const publicOf = (seed: Buffer): Buffer =>
  crypto.createPublicKey(privateKey(seed)).export({ format: 'der', type: 'spki' }).subarray(-32);

const verifies = (publicKey: Buffer, message: Buffer, signature: Buffer): boolean =>
  crypto.verify(
    null,
    message,
    crypto.createPublicKey({ key: Buffer.concat([SPKI, publicKey]), format: 'der', type: 'spki' }),
    signature,
  );

const listenerInput = (cb: Buffer, m1: Buffer): Buffer =>
  Buffer.concat([label('listener signature'), Buffer.of(0), cb, m1.subarray(0, 64)]);
const diallerInput = (cb: Buffer, m1: Buffer, m2: Buffer): Buffer =>
  Buffer.concat([label('dialler signature'), Buffer.of(0), cb, m1, m2.subarray(0, 64)]);

const modeByte = ({ mode }: Party): number => (mode === 'keys' ? 1 : 2);

function blank(number: 1 | 2 | 3, party: Party): Buffer {
  const message = Buffer.alloc(160);
  message.write('POOLAUTH', 'latin1');
  message.set([1, number, modeByte(party)], 8);
  return message;
}

const selfMark = (party: Party, cb: Buffer): Buffer => mac(party.process, label('self'), cb).subarray(0, 16);

export function offer(party: Party, handshake: Handshake): Buffer {
  const { cb, k1 } = derive(handshake, party.psk);
  const m1 = blank(1, party);
  m1[11] = party.mode === 'psk' || party.demand === true ? 1 : 0;
  selfMark(party, cb).copy(m1, 16);
  if (party.seed !== undefined) {
    publicOf(party.seed).copy(m1, 32);
    crypto.sign(null, listenerInput(cb, m1), privateKey(party.seed)).copy(m1, 64);
  }
  mac(k1, m1.subarray(0, 128)).copy(m1, 128);
  return m1;
}

/** The dialler's answer to an offer. `check` is left out by a test that plays a dialler who doesn't care. */
export function proof(party: Party, handshake: Handshake, m1: Buffer, check = true): Buffer {
  const { cb, k1, k2 } = derive(handshake, party.psk);
  if (check) {
    expectHead(m1, 1, party);
    if (!mac(k1, m1.subarray(0, 128)).equals(m1.subarray(128))) throw new Error('mac1');
    if (m1.subarray(16, 32).equals(selfMark(party, cb))) throw new Error('an offer of our own');
    if (party.mode === 'keys' && !verifies(m1.subarray(32, 64), listenerInput(cb, m1), m1.subarray(64, 128))) {
      throw new Error("the listener's signature");
    }
  }
  const m2 = blank(2, party);
  if (party.mode === 'keys' && m1[11] === 1 && party.seed !== undefined) {
    publicOf(party.seed).copy(m2, 32);
    crypto.sign(null, diallerInput(cb, m1, m2), privateKey(party.seed)).copy(m2, 64);
  }
  mac(k2, m1, m2.subarray(0, 128)).copy(m2, 128);
  return m2;
}

export function accept(party: Party, handshake: Handshake, m1: Buffer, m2: Buffer): Buffer {
  const { cb, k2, k3 } = derive(handshake, party.psk);
  expectHead(m2, 2, party);
  if (!mac(k2, m1, m2.subarray(0, 128)).equals(m2.subarray(128))) throw new Error('mac2');
  const demanded = party.mode === 'keys' && party.demand === true;
  if (demanded && !verifies(m2.subarray(32, 64), diallerInput(cb, m1, m2), m2.subarray(64, 128))) {
    throw new Error("the dialler's signature");
  }
  if (!demanded && !m2.subarray(32, 128).equals(Buffer.alloc(96))) throw new Error('a key that nobody asked for');
  const m3 = blank(3, party);
  mac(k3, m1, m2, m3.subarray(0, 128)).copy(m3, 128);
  return m3;
}

export function finish(party: Party, handshake: Handshake, [m1, m2, m3]: readonly Buffer[]): void {
  expectHead(m3!, 3, party);
  const { k3 } = derive(handshake, party.psk);
  if (!mac(k3, m1!, m2!, m3!.subarray(0, 128)).equals(m3!.subarray(128))) throw new Error('mac3');
}

function expectHead(message: Buffer, number: 1 | 2 | 3, party: Party): void {
  const head = blank(number, party).subarray(0, 11);
  if (message.length !== 160 || !message.subarray(0, 11).equals(head)) throw new Error(`no message ${number}`);
}
