/** The side that is dialled (wire protocol, Handshake, packets 2 and 4). */
import { checkInteger } from '../../base/arguments.js';
import { forgetBinding } from './authentication/keys.js';
import { ListenerExchange } from './authentication/listener-exchange.js';
import type { ListenerCredentials } from './authentication/types.js';
import {
  DEFAULT_DIFFICULTY_BITS,
  Flag,
  INIT_BYTES,
  KEY_BYTES,
  LIMITS,
  NO_BYTES,
  PacketType,
  RESPONSE_BYTES,
  SESSION_ID_BYTES,
  TAG_BYTES,
} from './constants.js';
import { unauthentic, violation } from './faults.js';
import type { Packet } from './framer.js';
import { checkVersion, HandshakePeer, onlyPlain } from './handshake-peer.js';
import type { Header } from './header.js';
import { deriveHandshakeKeys, type HandshakeKeys } from './keys.js';
import { checkHeader, headerOf } from './packet-codec.js';
import { readInit, readResponse, writeChallenge } from './payloads.js';
import { solves } from './puzzle.js';
import type { Handshake, PacketCrypto, ProtocolConfig, Session } from './types.js';

const SEALED_RESPONSE_BYTES = RESPONSE_BYTES + TAG_BYTES;
const INIT_ONLY = onlyPlain('INIT', PacketType.Init, INIT_BYTES);

export interface ServerHandshakeConfig extends ProtocolConfig {
  /** 16 bytes; random without it. */
  sessionId?: Uint8Array;
  /** 32 bytes; random without it. */
  puzzleSeed?: Uint8Array;
  /** Leading zero bits asked of the client; default 8. */
  difficulty?: number;
  /** The session opens when both sides have proved what these ask for. */
  credentials?: ListenerCredentials | undefined;
}

/** A handshake as server: waits for INIT. Throws ERR_OUT_OF_RANGE for a difficulty that our own clients would refuse. */
export function createServerHandshake(config: ServerHandshakeConfig): Handshake {
  return new ServerHandshake(config);
}

class ServerHandshake extends HandshakePeer {
  readonly #sessionId: Uint8Array;
  readonly #seed: Uint8Array;
  readonly #difficulty: number;
  readonly #credentials: ListenerCredentials | undefined;
  #peerPublicKey: Uint8Array = new Uint8Array(0);
  /** What overtook RESPONSE; nothing of it is trusted before that came. */
  #parked: Packet[] = [];
  /** What RESPONSE is judged by, until it was. */
  #derived: HandshakeKeys | null = null;

  constructor(config: ServerHandshakeConfig) {
    super(config);
    this.#credentials = config.credentials;
    const { difficulty = DEFAULT_DIFFICULTY_BITS } = config;
    this.#difficulty = checkInteger('difficulty', difficulty, 0, LIMITS.puzzleDifficultyBits);
    this.#sessionId = config.sessionId ?? config.crypto.randomBytes(SESSION_ID_BYTES);
    this.#seed = config.puzzleSeed ?? config.crypto.randomBytes(KEY_BYTES);
  }

  protected override proceed(now: bigint): Session | null {
    if (this.state === 'IDLE') this.#receiveInit(now);
    return this.state === 'CHALLENGED' ? this.#receiveResponse(now) : null;
  }

  protected override forget(): void {
    this.#parked = [];
    if (this.#derived === null) return;
    const { proof, binding } = this.#derived;
    this.#derived = null;
    proof.fill(0);
    if (binding !== null) forgetBinding(binding);
  }

  override workAhead(): void {
    if (this.#credentials === undefined || this.state !== 'CHALLENGED') return;
    try {
      this.#offer(this.#derive());
    } catch {
      // Such as a public key that nothing can be agreed on with: RESPONSE meets it again, and is answered as without this.
    }
  }

  #derive(): HandshakeKeys {
    const { crypto, keyPair } = this;
    this.#derived ??= deriveHandshakeKeys(crypto, keyPair!, this.#peerPublicKey, this.#sessionId, this.transcript);
    this.keys = this.#derived.packet;
    return this.#derived;
  }

  #offer({ binding }: HandshakeKeys): void {
    if (binding !== null) this.exchange ??= new ListenerExchange(this.crypto, this.#credentials!, binding);
  }

  #receiveInit(now: bigint): void {
    const packet = this.nextPacket(now, INIT_ONLY);
    if (packet === null) return;
    // INIT's session id means nothing: a module leaves there what the slot had last, and nobody would notice another one.
    this.#peerPublicKey = readInit(packet.copyPayload()).publicKey;
    this.plainReceived(packet);
    this.keyPair = this.crypto.generateKeyPair();
    this.writer.sessionId = this.#sessionId;
    const challenge = { publicKey: this.keyPair.publicKey, seed: this.#seed, difficulty: this.#difficulty };
    const written = this.writer.writePlain(PacketType.Challenge, writeChallenge(challenge), now);
    this.traffic.sent(written.length);
    if (this.#credentials !== undefined) this.transcript = { init: packet.copyWire(), challenge: written.slice() };
    this.machine.step('init-received');
  }

  #receiveResponse(now: bigint): Session | null {
    for (;;) {
      const packet = this.nextPacket(now, beforeEstablished);
      if (packet === null) return null;
      if (packet.header.type === PacketType.Response) return this.#establish(packet, now);
      if (this.#parked.length === LIMITS.parkedPackets) throw violation('too many packets before RESPONSE');
      this.#parked.push(packet.keep());
    }
  }

  #establish(response: Packet, now: bigint): Session {
    const keys = this.#verify(response);
    const early = [...this.#parked, response.keep()];
    const ours = headerOf(this.#sessionId);
    for (const packet of early) {
      ours(packet.header);
      checkHeader(packet);
    }
    const id = this.#sessionId;
    const session = this.establish({ role: 'server', id, peerPublicKey: this.#peerPublicKey, early }, now);
    this.writer.ack = response.header.seq;
    this.traffic.sent(this.writer.write(keys, PacketType.Ack, Flag.None, 0, NO_BYTES, now));
    this.machine.step('confirmed');
    session.writeProof(now);
    return session;
  }

  /** All checks are made whatever the first ones gave, and there is one verdict: nobody learns which one failed. */
  #verify(response: Packet): PacketCrypto {
    const { crypto, opener } = this;
    const derived = this.#derive();
    const { packet: keys, proof } = derived;
    let authentic = opener.authentic(keys, response);
    for (const packet of this.#parked) authentic = opener.authentic(keys, packet) && authentic;
    const plaintext = opener.open(keys, response);
    const claimed = readResponse(plaintext ?? new Uint8Array(RESPONSE_BYTES));
    const solved = solves(crypto, this.#seed, this.#difficulty, claimed.solution);
    const proved = crypto.equal(claimed.proof, proof);
    proof.fill(0);
    plaintext?.fill(0);
    if (!authentic || plaintext === null || !solved || !proved) throw unauthentic();
    this.#offer(derived);
    // The exchange has the binding from here on.
    this.#derived = null;
    return keys;
  }
}

/** RESPONSE, or one of the few small packets that may overtake it. */
function beforeEstablished(header: Header): void {
  checkVersion(header);
  const { type, payloadLength } = header;
  if (type !== PacketType.Response) {
    if (payloadLength > LIMITS.earlyPayloadBytes) throw violation('too long a packet before RESPONSE');
  } else if (payloadLength !== SEALED_RESPONSE_BYTES) {
    throw violation(`RESPONSE carries ${payloadLength} bytes instead of ${SEALED_RESPONSE_BYTES}`);
  }
}
