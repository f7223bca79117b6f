/**
 * A peer that follows the rules of the kernel module (wire protocol): small counter before the keys, then a fresh random
 * base; REKEY as it does it; nothing checked that it does not check. Built for scripts: each step is a call.
 */
import { createHash } from 'node:crypto';
import { seededCrypto } from '../../random.js';
import { Flag, PacketType } from '../../../src/poolnode/protocol/constants.js';
import { Framer, type Packet } from '../../../src/poolnode/protocol/framer.js';
import { deriveHandshakeKeys, derivePacketKeys } from '../../../src/poolnode/protocol/keys.js';
import { Outbox } from '../../../src/poolnode/protocol/outbox.js';
import { PacketOpener, PacketWriter } from '../../../src/poolnode/protocol/packet-codec.js';
import { readChallenge, writeChallenge, writeInit, writeResponse } from '../../../src/poolnode/protocol/payloads.js';
import { OwnSequence } from '../../../src/poolnode/protocol/sequence.js';
import type { KeyPair, PacketCrypto } from '../../../src/poolnode/protocol/types.js';
import { concat } from './pair.js';

const crypto = seededCrypto(undefined, 8);
const EMPTY = new Uint8Array(0);
const ID = new Uint8Array(16).fill(0xcd);
const SEED = new Uint8Array(32).fill(3);

export interface Received {
  type: number;
  flags: number;
  seq: bigint;
  ack: bigint;
  channel: number;
  plaintext: Uint8Array;
}

export class ScriptedModule {
  readonly id = ID;
  readonly received: Received[] = [];
  keys: PacketCrypto | null = null;
  /** A REKEY of its own has no answer yet. */
  rekeying = false;
  #own: KeyPair = crypto.generateKeyPair();
  #peer: Uint8Array = EMPTY;
  readonly #outbox = new Outbox();
  readonly #framer = new Framer();
  readonly #opener = new PacketOpener();
  #sequence = new OwnSequence(1n);
  #writer = this.#newWriter();
  #lastSeq = 0n;
  /** Packets that still leave with the old base after the keys changed: its SEND in flight races the change. */
  lateJump = 0;
  #laterBase: bigint | null = null;

  constructor(readonly nextBase: () => bigint) {}

  #newWriter(): PacketWriter {
    const writer = new PacketWriter(this.#outbox, this.#sequence, 0n);
    if (this.keys !== null) writer.sessionId = this.id;
    return writer;
  }

  /** A fresh base, as the module draws whenever it derives keys. */
  rebase(base = this.nextBase()): void {
    this.#sequence = new OwnSequence(base);
    this.#writer = this.#newWriter();
    this.#writer.sessionId = this.id;
    this.#writer.ack = this.#lastSeq;
  }

  take(): Uint8Array {
    return concat(this.#outbox.take());
  }

  init(): void {
    this.#writer.writePlain(PacketType.Init, writeInit(this.#own.publicKey), 0n);
  }

  /** Answers an INIT. */
  challenge(bytes: Uint8Array): void {
    this.#peer = bytes.slice(80, 112);
    this.#writer.sessionId = this.id;
    const payload = writeChallenge({ publicKey: this.#own.publicKey, seed: SEED, difficulty: 8 });
    this.#writer.writePlain(PacketType.Challenge, payload, 0n);
    this.#derive();
  }

  /**
   * Answers a CHALLENGE; `before` goes out ahead of RESPONSE, as a HEARTBEAT of the module may. `alter` may spoil the
   * solution (bytes 0..31) or the proof (32..63) before they are sealed.
   */
  response(
    bytes: Uint8Array,
    before: () => void = () => undefined,
    alter: (payload: Uint8Array) => void = () => undefined,
  ): void {
    const { publicKey, seed, difficulty } = readChallenge(bytes.subarray(80, 178));
    this.id.set(bytes.subarray(20, 36));
    this.#peer = publicKey;
    const { proof } = deriveHandshakeKeys(crypto, this.#own, publicKey, this.id);
    this.#derive();
    before();
    const payload = writeResponse({ solution: solve(seed, difficulty), proof });
    alter(payload);
    this.send(PacketType.Response, Flag.RequireAck, 0, payload);
  }

  send(type: number, flags = 0, channel = 0, plaintext: Uint8Array = EMPTY): void {
    this.#writer.write(this.keys!, type, flags, channel, plaintext, 0n);
    if (this.#laterBase !== null && --this.lateJump === 0) {
      this.rebase(this.#laterBase);
      this.#laterBase = null;
    }
  }

  data(text: string, channel = 0): void {
    this.send(PacketType.Data, Flag.RequireAck, channel, new Uint8Array(Buffer.from(text)));
  }

  /** As initiator: swaps its private key, sends REKEY under the old keys and keeps them until a REKEY comes back. */
  startRekey(): void {
    this.#own = crypto.generateKeyPair();
    this.rekeying = true;
    this.send(PacketType.Rekey, 0, 0, this.#own.publicKey);
  }

  /** Takes what pool-ts sent; throws where the module would end the session with EBADMSG. */
  receive(bytes: Uint8Array): void {
    this.#framer.push(bytes);
    for (let packet = this.#framer.next(); packet !== null; packet = this.#framer.next()) this.#take(packet);
  }

  #take(packet: Packet): void {
    const { header } = packet;
    if (!this.#opener.authentic(this.keys!, packet)) throw new Error(`EBADMSG: HMAC of type ${header.type}`);
    const plaintext = this.#opener.open(this.keys!, packet);
    if (plaintext === null) throw new Error('EBADMSG: tag');
    this.#lastSeq = header.seq;
    this.#writer.ack = header.seq;
    const { type, flags, seq, ack, channel } = header;
    this.received.push({ type, flags, seq, ack, channel, plaintext });
    if (type === PacketType.Heartbeat) this.send(PacketType.Ack);
    if (type === PacketType.Rekey) {
      this.#peer = plaintext;
      this.rekeying = false;
      this.#derive();
    }
  }

  /** Derives from its current private key, at once, and draws a new base. */
  #derive(): void {
    this.keys = derivePacketKeys(crypto, this.#own, this.#peer);
    if (this.lateJump > 0) this.#laterBase = this.nextBase();
    else this.rebase();
  }
}

function solve(seed: Uint8Array, difficulty: number): Uint8Array {
  const solution = Buffer.alloc(32);
  for (let counter = 0n; ; counter++) {
    solution.writeBigUInt64LE(counter);
    const digest = createHash('sha256').update(seed).update(solution).digest();
    if (digest.readUInt32BE() < 2 ** (32 - difficulty)) return new Uint8Array(solution);
  }
}
