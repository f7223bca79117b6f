/**
 * A second, independent POOL v1 peer, for tests only: it shares no code with src and was written from the description of
 * the wire alone, in the manner of the kernel module (small counter in INIT and CHALLENGE, a fresh random base after the
 * keys, fragments at the MTU, REKEY as the module does it). Where it and src disagree, one of them misread the protocol.
 */
import * as crypto from 'node:crypto';
import * as net from 'node:net';
import { randomBytes } from '../random.js';
import { accept, finish, type Handshake, offer, type Party, proof } from './proof.js';

export const TYPE = {
  INIT: 0,
  CHALLENGE: 1,
  RESPONSE: 2,
  DATA: 3,
  ACK: 4,
  HEARTBEAT: 5,
  REKEY: 6,
  CLOSE: 7,
  CONFIG: 8,
  DISCOVER: 0xa,
  INTEGRITY: 0xc,
  AUTHENTICATION: 0xf,
} as const;
export const FLAG = { ENCRYPTED: 1, FRAGMENT: 8, LAST_FRAG: 16, REQUIRE_ACK: 32, TELEMETRY: 64 } as const;

export interface PeerPacket {
  type: number;
  flags: number;
  seq: bigint;
  ack: bigint;
  channel: number;
  payload: Buffer;
}

interface Keys {
  session: Buffer;
  hmac: Buffer;
}

const SPKI = Buffer.from('302a300506032b656e032100', 'hex');
const HEADER = 80;

const raw = (key: crypto.KeyObject): Buffer => key.export({ type: 'spki', format: 'der' }).subarray(-32);
const publicKey = (bytes: Buffer): crypto.KeyObject =>
  crypto.createPublicKey({ key: Buffer.concat([SPKI, bytes]), format: 'der', type: 'spki' });
const hkdf = (secret: Buffer, info: string): Buffer =>
  Buffer.from(crypto.hkdfSync('sha256', secret, Buffer.alloc(32), info, 32));
const derive = (secret: Buffer): Keys => ({
  session: hkdf(secret, 'pool-session-key'),
  hmac: hkdf(secret, 'pool-hmac-key'),
});
const proofOf = (secret: Buffer, id: Buffer): Buffer => crypto.createHmac('sha256', secret).update(id).digest();

function startsWithZeroBits(digest: Buffer, bits: number): boolean {
  for (let i = 0; i < bits; i++) if ((digest[i >> 3]! & (0x80 >> (i & 7))) !== 0) return false;
  return true;
}

/** Bytes of a socket, awaited by count. Rejects when the other side hangs up before they are there. */
class Reader {
  #held = Buffer.alloc(0);
  #wanted: { size: number; resolve: (bytes: Buffer) => void; reject: (error: Error) => void } | undefined;
  #end: Error | undefined;

  constructor(socket: net.Socket) {
    socket.on('data', (chunk) => {
      this.#held = Buffer.concat([this.#held, chunk]);
      this.#serve();
    });
    socket.on('end', () => this.#finish(new Error('the other side sent FIN')));
    socket.on('error', (error) => this.#finish(error));
    socket.on('close', () => this.#finish(new Error('the socket closed')));
  }

  #finish(error: Error): void {
    this.#end ??= error;
    this.#serve();
  }

  #serve(): void {
    const wanted = this.#wanted;
    if (wanted === undefined) return;
    if (this.#held.length >= wanted.size) {
      this.#wanted = undefined;
      const bytes = this.#held.subarray(0, wanted.size);
      this.#held = this.#held.subarray(wanted.size);
      wanted.resolve(bytes);
    } else if (this.#end !== undefined) {
      this.#wanted = undefined;
      wanted.reject(this.#end);
    }
  }

  read(size: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#wanted = { size, resolve, reject };
      this.#serve();
    });
  }
}

export class Peer {
  id: Buffer = Buffer.alloc(16);
  /** The next sequence number to send; a test may set it. */
  seq = 1n;
  lastReceived = 0n;
  mtu = 1400;
  #keys: Keys | undefined;
  #private: crypto.KeyObject;
  #peerPublic: Buffer = Buffer.alloc(32);
  #secret: Buffer = Buffer.alloc(32);
  /** INIT and CHALLENGE as they were on the wire. */
  #opening: Buffer[] = [];
  readonly #reader: Reader;

  constructor(readonly socket: net.Socket) {
    socket.setNoDelay(true);
    this.#reader = new Reader(socket);
    this.#private = crypto.generateKeyPairSync('x25519').privateKey;
  }

  /** The client's side, to a listening node. */
  static async dial(port: number, host = '127.0.0.1', { forgeProof = false } = {}): Promise<Peer> {
    const socket = net.connect({ port, host });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    const peer = new Peer(socket);
    await peer.#asClient(forgeProof);
    return peer;
  }

  /** The server's side, for one connection; `port` is where to dial. */
  static async listen(host = '127.0.0.1'): Promise<{ port: number; accepted: Promise<Peer>; close(): void }> {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const accepted = new Promise<Peer>((resolve, reject) => {
      server.once('connection', (socket) => {
        const peer = new Peer(socket);
        peer.#asServer().then(() => resolve(peer), reject);
      });
    });
    accepted.catch(() => undefined); // A test that doesn't await it must not die of it.
    return { port: (server.address() as net.AddressInfo).port, accepted, close: () => void server.close() };
  }

  async #asClient(forgeProof: boolean): Promise<void> {
    this.#send(TYPE.INIT, 0, Buffer.concat([raw(crypto.createPublicKey(this.#private)), Buffer.alloc(32)]));
    const { header, body } = await this.#frame();
    this.#opening.push(Buffer.concat([header, body]));
    if (header[0] !== 0x11 || body.length !== 98) throw new Error(`expected CHALLENGE, got ${header.toString('hex')}`);
    this.id = Buffer.from(header.subarray(20, 36));
    this.#agree(body.subarray(0, 32));
    const solution = Buffer.alloc(32);
    const difficulty = body.readUInt16BE(64);
    for (let n = 0n; ; n++) {
      solution.writeBigUInt64LE(n);
      const digest = crypto.createHash('sha256').update(body.subarray(32, 64)).update(solution).digest();
      if (startsWithZeroBits(digest, difficulty)) break;
      if (n > 1_000_000n) throw new Error('the puzzle is too hard');
    }
    this.seq = randomBytes(8).readBigUInt64BE() >> 1n;
    const proof = proofOf(this.#secret, this.id);
    if (forgeProof) proof[0]! ^= 1;
    const payload = Buffer.concat([solution, proof]);
    this.send(TYPE.RESPONSE, payload, { flags: FLAG.REQUIRE_ACK, ack: 0n });
    const first = await this.receive();
    if (first.type !== TYPE.ACK || first.payload.length !== 0) throw new Error(`expected ACK, got type ${first.type}`);
  }

  async #asServer(): Promise<void> {
    const init = await this.#frame();
    this.#opening.push(Buffer.concat([init.header, init.body]));
    if (init.header[0] !== 0x10 || init.body.length !== 64) throw new Error('expected INIT');
    if (!init.header.subarray(48, 80).equals(Buffer.alloc(32))) throw new Error('INIT must carry no HMAC');
    if (!init.header.subarray(20, 36).equals(Buffer.alloc(16))) throw new Error('INIT must carry no session id');
    this.id = randomBytes(16);
    const seed = randomBytes(32);
    const difficulty = Buffer.from([0, 8]);
    const own = raw(crypto.createPublicKey(this.#private));
    this.#send(TYPE.CHALLENGE, 0, Buffer.concat([own, seed, difficulty, Buffer.alloc(32)]));
    this.#agree(init.body.subarray(0, 32));
    const response = await this.receive();
    if (response.type !== TYPE.RESPONSE || response.payload.length !== 64) throw new Error('expected RESPONSE');
    const [solution, proof] = [response.payload.subarray(0, 32), response.payload.subarray(32)];
    const digest = crypto.createHash('sha256').update(seed).update(solution).digest();
    if (!startsWithZeroBits(digest, 8)) throw new Error('the puzzle is not solved');
    if (!proof.equals(proofOf(this.#secret, this.id))) throw new Error('the proof is wrong');
    this.seq = randomBytes(8).readBigUInt64BE() >> 1n;
    this.send(TYPE.ACK, Buffer.alloc(0));
  }

  #agree(peerPublic: Buffer): void {
    this.#peerPublic = Buffer.from(peerPublic);
    this.#secret = crypto.diffieHellman({ privateKey: this.#private, publicKey: publicKey(this.#peerPublic) });
    this.#keys = derive(this.#secret);
  }

  /** What an exchange of proofs is bound to. Before any REKEY. */
  get handshake(): Handshake {
    const [init, challenge] = this.#opening;
    return { z: this.#secret, init: init!, challenge: challenge! };
  }

  /** Proves itself to a listener that asks for it, and checks what that proves. */
  async proveAsDialler(party: Party): Promise<void> {
    const m1 = (await this.receiveType(TYPE.AUTHENTICATION)).payload;
    const m2 = proof(party, this.handshake, m1);
    this.send(TYPE.AUTHENTICATION, m2);
    finish(party, this.handshake, [m1, m2, (await this.receiveType(TYPE.AUTHENTICATION)).payload]);
  }

  /** The other role. */
  async proveAsListener(party: Party): Promise<void> {
    const m1 = offer(party, this.handshake);
    this.send(TYPE.AUTHENTICATION, m1);
    const m2 = (await this.receiveType(TYPE.AUTHENTICATION)).payload;
    this.send(TYPE.AUTHENTICATION, accept(party, this.handshake, m1, m2));
  }

  /** Sends one packet of an established session; `flags` come on top of ENCRYPTED, which a payload implies. */
  send(type: number, payload: Buffer, { flags = 0, channel = 0, ack = this.lastReceived } = {}): void {
    this.#send(type, payload.length > 0 ? flags | FLAG.ENCRYPTED : flags, payload, channel, ack);
  }

  /** A message as the module sends it: fragments of at most `mtu` bytes on the wire, LAST_FRAG last. */
  sendFragments(channel: number, message: Buffer, messageId = 1): void {
    const room = this.mtu - HEADER - 16 - 8;
    for (let offset = 0; offset < message.length; offset += room) {
      const part = message.subarray(offset, offset + room);
      const head = Buffer.alloc(8);
      head.writeUInt32BE(messageId, 0);
      head.writeUInt16BE(offset, 4);
      head.writeUInt16BE(message.length, 6);
      const last = offset + part.length === message.length ? FLAG.LAST_FRAG : 0;
      this.send(TYPE.DATA, Buffer.concat([head, part]), { channel, flags: FLAG.FRAGMENT | FLAG.REQUIRE_ACK | last });
    }
  }

  /** A REKEY as the module starts it: the private key changes at once, the keys only when a REKEY comes back. */
  startRekey(): void {
    const next = crypto.generateKeyPairSync('x25519');
    this.send(TYPE.REKEY, raw(next.publicKey));
    this.#private = next.privateKey;
  }

  /** What the module does with a REKEY: derive from its current private key, and draw a new sequence base. */
  takeRekey(packet: PeerPacket): void {
    this.#agree(packet.payload);
    this.seq = randomBytes(8).readBigUInt64BE() >> 1n;
  }

  #send(type: number, flags: number, payload: Buffer, channel = 0, ack = 0n): void {
    const bytes = this.encode(type, flags, payload, channel, ack);
    if (type === TYPE.INIT || type === TYPE.CHALLENGE) this.#opening.push(bytes);
    this.socket.write(bytes);
  }

  /** The bytes of the next packet, sealed when there are keys. */
  encode(type: number, flags: number, payload: Buffer, channel = 0, ack = 0n): Buffer {
    const header = Buffer.alloc(HEADER);
    header[0] = 0x10 | type;
    header.writeUInt16BE(flags, 2);
    header.writeBigUInt64BE(this.seq, 4);
    header.writeBigUInt64BE(ack, 12);
    if (type !== TYPE.INIT) this.id.copy(header, 20);
    header.writeBigUInt64BE(process.hrtime.bigint(), 36);
    header[46] = channel;
    let body = payload;
    const keys = this.#keys;
    if (keys !== undefined && (flags & FLAG.ENCRYPTED) !== 0) {
      const cipher = crypto.createCipheriv('chacha20-poly1305', keys.session, this.#nonce(keys, this.seq), {
        authTagLength: 16,
      });
      body = Buffer.concat([cipher.update(payload), cipher.final(), cipher.getAuthTag()]);
    }
    header.writeUInt16BE(body.length, 44);
    if (keys !== undefined)
      crypto.createHmac('sha256', keys.hmac).update(header).update(body).digest().copy(header, 48);
    this.seq += 1n;
    return Buffer.concat([header, body]);
  }

  #nonce(keys: Keys, seq: bigint): Buffer {
    const nonce = Buffer.alloc(12);
    keys.hmac.copy(nonce, 0, 0, 4);
    nonce.writeBigUInt64LE(seq, 4);
    return nonce;
  }

  async #frame(): Promise<{ header: Buffer; body: Buffer }> {
    const header = await this.#reader.read(HEADER);
    const size = header.readUInt16BE(44);
    return { header, body: size === 0 ? Buffer.alloc(0) : await this.#reader.read(size) };
  }

  /** The next packet, verified and opened. Rejects when it is forged, or when the other side hangs up. */
  async receive(): Promise<PeerPacket> {
    const { header, body } = await this.#frame();
    const keys = this.#keys;
    if (keys === undefined) throw new Error('no keys yet');
    const zeroed = Buffer.from(header);
    zeroed.fill(0, 48, 80);
    const mac = crypto.createHmac('sha256', keys.hmac).update(zeroed).update(body).digest();
    if (!mac.equals(header.subarray(48, 80))) throw new Error('the HMAC is wrong');
    const type = header[0]! & 15;
    const flags = header.readUInt16BE(2);
    const seq = header.readBigUInt64BE(4);
    let payload = body;
    if ((flags & FLAG.ENCRYPTED) !== 0 && body.length > 0) {
      const decipher = crypto.createDecipheriv('chacha20-poly1305', keys.session, this.#nonce(keys, seq), {
        authTagLength: 16,
      });
      decipher.setAuthTag(body.subarray(-16));
      payload = Buffer.concat([decipher.update(body.subarray(0, -16)), decipher.final()]);
    }
    this.lastReceived = seq;
    return { type, flags, seq, ack: header.readBigUInt64BE(12), channel: header[46]!, payload };
  }

  /** Packets until one of `type` comes; HEARTBEATs on the way are answered as every node does. */
  async receiveType(type: number): Promise<PeerPacket> {
    for (;;) {
      const packet = await this.receive();
      if (packet.type === type) return packet;
      if (packet.type === TYPE.HEARTBEAT) this.send(TYPE.ACK, Buffer.alloc(0), { ack: packet.seq });
    }
  }

  destroy(): void {
    this.socket.destroy();
  }
}
