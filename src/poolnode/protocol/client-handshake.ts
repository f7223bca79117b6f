/** The side that dials (wire protocol, Handshake, packets 1 and 3). */
import { DiallerExchange } from './authentication/dialler-exchange.js';
import type { DiallerCredentials } from './authentication/types.js';
import { CHALLENGE_BYTES, Flag, NO_BYTES, PacketType } from './constants.js';
import { unauthentic } from './faults.js';
import { HandshakePeer, onlyPlain } from './handshake-peer.js';
import { deriveHandshakeKeys } from './keys.js';
import { headerOf } from './packet-codec.js';
import { type Challenge, readChallenge, writeInit, writeResponse } from './payloads.js';
import { PuzzleSolver } from './puzzle.js';
import type { Handshake, PacketCrypto, ProtocolConfig, Session } from './types.js';

const CHALLENGE_ONLY = onlyPlain('CHALLENGE', PacketType.Challenge, CHALLENGE_BYTES);

/** A handshake as client. Its first `advance` writes INIT. */
export function createClientHandshake(config: ClientHandshakeConfig): Handshake {
  return new ClientHandshake(config);
}

interface Solving {
  challenge: Challenge;
  solver: PuzzleSolver;
}

export interface ClientHandshakeConfig extends ProtocolConfig {
  /** The listener must prove who it is before the session opens; this side does where it is asked to. */
  credentials?: DiallerCredentials | undefined;
}

class ClientHandshake extends HandshakePeer {
  readonly #credentials: DiallerCredentials | undefined;
  #sessionId: Uint8Array = new Uint8Array(0);
  #peerPublicKey: Uint8Array = new Uint8Array(0);
  #solving: Solving | null = null;

  constructor(config: ClientHandshakeConfig) {
    super(config);
    this.#credentials = config.credentials;
  }

  override get busy(): boolean {
    return this.#solving !== null;
  }

  protected override proceed(now: bigint): Session | null {
    if (this.state === 'IDLE') this.#sendInit(now);
    if (this.state === 'INIT_SENT') this.#receiveChallenge(now);
    if (this.#solving !== null) this.#solve(this.#solving, now);
    return this.keys === null ? null : this.#complete(this.keys, now);
  }

  protected override forget(): void {
    this.#solving = null;
  }

  override workAhead(): void {
    this.exchange?.workAhead();
  }

  #sendInit(now: bigint): void {
    this.keyPair = this.crypto.generateKeyPair();
    const init = this.writer.writePlain(PacketType.Init, writeInit(this.keyPair.publicKey), now);
    this.traffic.sent(init.length);
    if (this.#credentials !== undefined) this.transcript = { init: init.slice(), challenge: NO_BYTES };
    this.machine.step('init-sent');
  }

  #receiveChallenge(now: bigint): void {
    const packet = this.nextPacket(now, CHALLENGE_ONLY);
    if (packet === null) return;
    const challenge = readChallenge(packet.copyPayload());
    if (this.transcript !== null) this.transcript.challenge = packet.copyWire();
    this.plainReceived(packet);
    this.#sessionId = packet.header.sessionId;
    this.writer.sessionId = this.#sessionId;
    this.#peerPublicKey = challenge.publicKey;
    this.#solving = { challenge, solver: new PuzzleSolver(this.crypto, challenge.seed, challenge.difficulty) };
    this.machine.step('challenge-received');
  }

  #solve({ challenge, solver }: Solving, now: bigint): void {
    const solution = solver.step();
    if (solution === null) return;
    this.#solving = null;
    const { packet, proof, binding } = deriveHandshakeKeys(
      this.crypto,
      this.keyPair!,
      challenge.publicKey,
      this.#sessionId,
      this.transcript,
    );
    if (binding !== null) this.exchange = new DiallerExchange(this.crypto, this.#credentials!, binding);
    const response = writeResponse({ solution, proof });
    this.traffic.sent(this.writer.write(packet, PacketType.Response, Flag.RequireAck, 0, response, now));
    proof.fill(0);
    response.fill(0);
    this.keys = packet;
  }

  /** The first packet under the keys completes, whatever its type: a HEARTBEAT may overtake the ACK. */
  #complete(keys: PacketCrypto, now: bigint): Session | null {
    const packet = this.nextPacket(now, headerOf(this.#sessionId));
    if (packet === null) return null;
    if (!this.opener.authentic(keys, packet)) throw unauthentic();
    const session = this.establish(
      { role: 'client', id: this.#sessionId, peerPublicKey: this.#peerPublicKey, early: [packet.keep()] },
      now,
    );
    this.machine.step('confirmed');
    return session;
  }
}
