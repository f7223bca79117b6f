/** What both sides of a handshake have in common: bytes in, bytes out, and the deadline of an incomplete packet. */
import type { SessionStateName } from '../../base/session.js';
import { PoolError } from '../../base/errors.js';
import { PROTOCOL_VERSION } from './constants.js';
import type { Exchange } from './authentication/types.js';
import { asPoolError, violation } from './faults.js';
import { Framer, type HeaderPolicy, type Packet } from './framer.js';
import type { Header } from './header.js';
import type { Transcript } from './keys.js';
import { sessionLimits } from './limits.js';
import { Outbox } from './outbox.js';
import { PacketOpener, PacketWriter } from './packet-codec.js';
import { PacketWatch } from './packet-watch.js';
import { OwnSequence } from './sequence.js';
import { EstablishedSession, type Establishment } from './session.js';
import { StateMachine } from './states.js';
import { Timer, Timers } from './timers.js';
import { Traffic } from './traffic.js';
import type { Crypto, Handshake, KeyPair, PacketCrypto, ProtocolConfig, Session } from './types.js';

export abstract class HandshakePeer implements Handshake {
  protected readonly config: ProtocolConfig;
  protected readonly crypto: Crypto;
  protected readonly machine = new StateMachine();
  protected readonly outbox = new Outbox();
  protected readonly framer = new Framer();
  protected readonly traffic = new Traffic();
  protected readonly ownSequence: OwnSequence;
  protected readonly writer: PacketWriter;
  protected readonly opener = new PacketOpener();
  /** Of this side, from the moment when its public key is told. */
  protected keyPair: KeyPair | null = null;
  protected keys: PacketCrypto | null = null;
  /** Kept where who the peer is will be asked. */
  protected transcript: Transcript | null = null;
  protected exchange: Exchange | null = null;
  readonly #timers = new Timers();
  readonly #watch: PacketWatch;
  #failure: PoolError | null = null;
  #done = false;

  constructor(config: ProtocolConfig) {
    this.config = config;
    this.crypto = config.crypto;
    this.ownSequence = new OwnSequence(config.initialSequence);
    this.writer = new PacketWriter(this.outbox, this.ownSequence, config.timestampOffset);
    this.#watch = new PacketWatch(this.#timers, sessionLimits(config.limits).packetTimeoutNs);
  }

  get state(): SessionStateName {
    return this.machine.name;
  }

  get busy(): boolean {
    return false;
  }

  receive(chunk: Uint8Array): void {
    if (this.#failure === null) this.framer.push(chunk);
  }

  advance(now: bigint): Session | null {
    if (this.#failure !== null) throw this.#failure;
    if (this.#done) throw new PoolError('ERR_POOL_CLOSED', 'the handshake is over: its session goes on');
    try {
      const session = this.proceed(now);
      if (session !== null) this.#done = true;
      else if (this.#timers.expired(Timer.Packet, now)) throw violation('a packet was not complete in time');
      return session;
    } catch (error) {
      const failure = asPoolError(error);
      this.#end(failure);
      throw failure;
    }
  }

  abandon(): void {
    if (!this.#done && this.#failure === null) {
      this.#end(new PoolError('ERR_POOL_CLOSED', 'the handshake was given up'));
    }
  }

  #end(failure: PoolError): void {
    this.#failure = failure;
    this.#timers.stopAll();
    this.framer.clear();
    this.keyPair?.dispose();
    this.keys?.dispose();
    this.exchange?.forget();
    this.#drop();
    this.machine.step('ended');
  }

  workAhead(): void {}

  detachInput(): void {
    this.framer.detach();
  }

  /** A copy: what a handshake says is short, and its session goes on with the outbox. */
  takeOutput(): Uint8Array[] {
    if (this.#failure !== null || this.outbox.bytes === 0) return [];
    const pieces = this.outbox.take().map((piece) => piece.slice());
    this.outbox.written();
    return pieces;
  }

  nextTimeout(): bigint | null {
    return this.#timers.next();
  }

  /** Goes on as far as the bytes allow. */
  protected abstract proceed(now: bigint): Session | null;

  /** Drops what only the handshake needs, and overwrites what is secret of it. */
  protected abstract forget(): void;

  /** The session that the handshake has come to: keys, numbers and unread bytes are its own from here on. */
  protected establish(
    from: Pick<Establishment, 'role' | 'id' | 'peerPublicKey' | 'early'>,
    now: bigint,
  ): EstablishedSession {
    const { config, machine, ownSequence, writer, outbox, framer, traffic, exchange } = this;
    const ownKeyPair = this.keyPair!;
    const keys = this.keys!;
    const session = new EstablishedSession(
      { ...from, config, state: machine, ownKeyPair, keys, ownSequence, writer, outbox, framer, traffic, exchange },
      now,
    );
    this.#drop();
    return session;
  }

  #drop(): void {
    this.keyPair = null;
    this.keys = null;
    this.transcript = null;
    this.exchange = null;
    this.forget();
  }

  /** The next packet that `policy` lets in, or null. */
  protected nextPacket(now: bigint, policy?: HeaderPolicy): Packet | null {
    const packet = this.framer.next(policy);
    if (packet === null) this.#watch.waiting(this.framer.partial, now);
    else this.#watch.completed();
    return packet;
  }

  /** Counts a packet of the handshake that no session will see. */
  protected plainReceived({ header }: Packet): void {
    this.traffic.received(header);
    this.writer.ack = header.seq;
  }
}

/** Refuses a header of another version, type or payload size, before the payload is held. */
export function onlyPlain(name: string, type: number, payloadLength: number): HeaderPolicy {
  return (header: Header) => {
    checkVersion(header);
    if (header.type !== type) throw violation(`a packet of type ${header.type} where ${name} was due`);
    if (header.payloadLength !== payloadLength) {
      throw violation(`${name} carries ${header.payloadLength} bytes instead of ${payloadLength}`);
    }
  };
}

export function checkVersion(header: Header): void {
  if (header.version !== PROTOCOL_VERSION) {
    throw violation(`version ${header.version} instead of ${PROTOCOL_VERSION}; is it a POOL node?`);
  }
}
