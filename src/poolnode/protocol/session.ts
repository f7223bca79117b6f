/**
 * An established session. It is built by a finished handshake only, so there is no "not yet" in here: keys exist, and both
 * sides' numbers are known. Here is the order in which every packet passes acceptance, state and timers, and how a session
 * ends; what each of them does is in packet-acceptance, incoming-messages, control, rekey, peer-liveness and others.
 */
import type { RawTelemetry, SessionStateName } from '../../base/session.js';
import { checkInteger } from '../../base/arguments.js';
import { PoolError } from '../../base/errors.js';
import { CHANNELS, Flag, MAX_MESSAGE_BYTES, MAX_PACKET_PLAINTEXT_BYTES, NO_BYTES, PacketType } from './constants.js';
import { AuthenticationGate, type GateEvent } from './authentication/gate.js';
import { notAdmitted, refusedByPeer } from './authentication/exchange-message.js';
import type { Exchange } from './authentication/types.js';
import { Control } from './control.js';
import { asPoolError, peerLost, violation } from './faults.js';
import { cutMessage } from './fragments.js';
import type { Framer, HeaderPolicy, Packet } from './framer.js';
import { IncomingMessages } from './incoming-messages.js';
import { KeyRing } from './key-ring.js';
import { derivePacketKeys } from './keys.js';
import { sessionLimits } from './limits.js';
import type { Outbox } from './outbox.js';
import { PacketAcceptance } from './packet-acceptance.js';
import { headerOf, type PacketWriter } from './packet-codec.js';
import { PacketWatch } from './packet-watch.js';
import { readRekey } from './payloads.js';
import { Rekey } from './rekey.js';
import { type OwnSequence, PeerSequence } from './sequence.js';
import { PeerLiveness } from './peer-liveness.js';
import type { StateMachine } from './states.js';
import { Measurements } from './telemetry.js';
import { nextHeartbeat, Timer, Timers } from './timers.js';
import type { Traffic } from './traffic.js';
import type { Crypto, KeyPair, PacketCrypto, ProtocolConfig, Session, SessionEvent, SessionLimits } from './types.js';

/** What a handshake leaves to its session. */
export interface Establishment {
  config: ProtocolConfig;
  role: 'client' | 'server';
  id: Uint8Array;
  state: StateMachine;
  ownKeyPair: KeyPair;
  peerPublicKey: Uint8Array;
  keys: PacketCrypto;
  ownSequence: OwnSequence;
  writer: PacketWriter;
  outbox: Outbox;
  framer: Framer;
  traffic: Traffic;
  /** Where the peer must prove who it is before the session opens. */
  exchange: Exchange | null;
  /** Authentic packets that came already, at least one: the first one's number is the peer's base. */
  early: Packet[];
}

export class EstablishedSession implements Session {
  readonly id: Uint8Array;
  readonly role: 'client' | 'server';
  queueDepth = 0;

  readonly #crypto: Crypto;
  readonly #limits: SessionLimits;
  readonly #state: StateMachine;
  readonly #writer: PacketWriter;
  readonly #outbox: Outbox;
  readonly #framer: Framer;
  readonly #traffic: Traffic;
  readonly #early: Packet[];
  readonly #policy: HeaderPolicy;
  readonly #acceptance: PacketAcceptance;
  readonly #ownSequence: OwnSequence;
  readonly #peerSequence: PeerSequence;
  readonly #timers = new Timers();
  readonly #watch: PacketWatch;
  readonly #silence: PeerLiveness;
  readonly #messages = new IncomingMessages(this.#timers);
  readonly #measurements: Measurements;
  readonly #control: Control;
  readonly #rekey: Rekey;
  readonly #events: SessionEvent[] = [];
  readonly #keys: KeyRing;
  /** Closed while the peer has not proved who it is; null once it has, and where it needn't. */
  #gate: AuthenticationGate | null;
  readonly #authenticates: boolean;
  #messageId = 0;
  /** The peer's FIN came. */
  #ended = false;
  /** The packet at hand is one that the handshake handed on. */
  #inherited = false;
  /** The last event was produced. */
  #over = false;

  constructor(from: Establishment, now: bigint) {
    const { crypto } = from.config;
    this.id = from.id;
    this.role = from.role;
    this.#crypto = crypto;
    this.#limits = sessionLimits(from.config.limits);
    this.#state = from.state;
    this.#writer = from.writer;
    this.#outbox = from.outbox;
    this.#framer = from.framer;
    this.#traffic = from.traffic;
    this.#early = from.early;
    this.#authenticates = from.exchange !== null;
    this.#gate = from.exchange === null ? null : new AuthenticationGate(from.exchange);
    const ours = headerOf(from.id);
    this.#policy = (header) => {
      ours(header);
      this.#gate?.policy(header);
    };
    this.#ownSequence = from.ownSequence;
    this.#peerSequence = new PeerSequence(from.ownSequence, from.early[0]!.header.seq);
    this.#keys = new KeyRing(
      (own, peer) => derivePacketKeys(crypto, own, peer),
      from.ownKeyPair,
      from.peerPublicKey,
      from.keys,
    );
    this.#acceptance = new PacketAcceptance(this.#keys, this.#peerSequence);
    this.#watch = new PacketWatch(this.#timers, this.#limits.packetTimeoutNs);
    this.#silence = new PeerLiveness(this.#timers, this.#limits.deadAfterNs, now);
    this.#measurements = new Measurements(now);
    this.#control = new Control(this.#controlSession());
    this.#rekey = new Rekey(this.#rekeySession(), now);
    this.#timers.set(Timer.Heartbeat, nextHeartbeat(now, this.#limits.heartbeatIntervalNs));
  }

  get state(): SessionStateName {
    return this.#state.name;
  }

  get counters(): Session['counters'] {
    return this.#traffic.snapshot();
  }

  get hasOutput(): boolean {
    return this.#outbox.bytes > 0;
  }

  takeOutput(): Uint8Array[] {
    return this.#outbox.take();
  }

  outputWritten(): void {
    this.#outbox.written();
  }

  telemetry(now: bigint, queueDepth: number): RawTelemetry {
    return this.#measurements.report(now, queueDepth, this.#rekey.count);
  }

  peerTelemetry(): RawTelemetry | null {
    return this.#control.peerTelemetry;
  }

  // ---- Input -----------------------------------------------------------------------------------------------------

  receive(chunk: Uint8Array): void {
    if (!this.#over) this.#framer.push(chunk);
  }

  detachInput(): void {
    this.#framer.detach();
  }

  receiveEnd(): void {
    this.#ended = true;
  }

  next(now: bigint): SessionEvent | null {
    for (;;) {
      if (this.#events.length > 0) return this.#events.shift()!;
      if (this.#over) return null;
      try {
        this.#inherited = this.#early.length > 0;
        const packet = (this.#inherited ? this.#early.shift()! : null) ?? this.#framer.next(this.#policy);
        if (packet === null) {
          this.#watch.waiting(this.#framer.partial, now);
          if (!this.#ended) return null;
          this.#finish();
          continue;
        }
        this.#watch.completed();
        const message = this.#take(packet, now);
        if (message !== null) return message;
      } catch (error) {
        if (this.#gate === null) this.#fail(error);
        else this.refuse(asPoolError(error), now);
      }
    }
  }

  /** One packet, whose header is this session's. */
  #take(packet: Packet, now: bigint): SessionEvent | null {
    const { header } = packet;
    const keys = this.#acceptance.accept(packet);
    this.#traffic.received(header);
    this.#writer.acknowledge(header.seqHigh, header.seqLow);
    this.#silence.heard(now);
    this.#rekey.opened(keys, now);
    const event =
      this.#state.name === 'CLOSING'
        ? this.#linger(packet, keys, now)
        : this.#gate === null
          ? this.#dispatch(packet, keys, now)
          : this.#atGate(this.#gate, packet, keys, now);
    if (this.#gate === null && !this.#over && this.#state.name !== 'CLOSING') this.#rekey.consider(now);
    return event;
  }

  #dispatch(packet: Packet, keys: PacketCrypto, now: bigint): SessionEvent | null {
    const { type, flags } = packet.header;
    switch (type) {
      case PacketType.Data:
        return this.#data(packet, this.#acceptance.decrypt(keys, packet), now);
      case PacketType.Ack:
        this.#control.ack(packet.header.ack, now);
        return null;
      case PacketType.Heartbeat:
        this.#control.heartbeat(flags, this.#acceptance.decrypt(keys, packet), now);
        return null;
      case PacketType.Discover:
        if (this.#control.wantsProbe(flags, now)) this.#control.probe(this.#acceptance.decrypt(keys, packet), now);
        return null;
      case PacketType.Rekey:
        this.#rekey.received(readRekey(this.#acceptance.decrypt(keys, packet)), keys, now);
        return null;
      case PacketType.Close:
        return this.#closed();
      case PacketType.Authentication:
        if (this.#authenticates) throw violation('a message about who it is after that was settled');
        return this.#ignored(now);
      default:
        // CONFIG, ROLLBACK, JOURNAL, INTEGRITY, the handshake's own and what a newer peer may have: never answered.
        return this.#ignored(now);
    }
  }

  #ignored(now: bigint): null {
    this.#traffic.ignoredPackets++;
    this.#control.ignore(now);
    return null;
  }

  // ---- Who the peer is (wire protocol, Authentication) -------------------------------------------------------------

  get authenticating(): boolean {
    return this.#gate !== null && !this.#over;
  }

  /** Sends what the exchange has to say. */
  writeProof(now: bigint): void {
    const message = this.#gate?.takeMessage() ?? null;
    if (message !== null) this.#write(PacketType.Authentication, Flag.None, 0, message, now);
  }

  workAhead(): void {
    if (!this.#over) this.#gate?.workAhead();
  }

  decide(admitted: boolean, now: bigint): void {
    const gate = this.#gate;
    if (gate === null || this.#over) return;
    if (!admitted) return this.refuse(notAdmitted(), now);
    try {
      this.#passed(gate, gate.admit(), now);
    } catch (error) {
      this.refuse(asPoolError(error), now);
    }
  }

  refuse(error: PoolError, now: bigint): void {
    if (this.#over) return;
    try {
      this.#write(PacketType.Close, Flag.None, 0, NO_BYTES, now);
    } finally {
      this.#fail(error);
    }
  }

  #atGate(gate: AuthenticationGate, packet: Packet, keys: PacketCrypto, now: bigint): SessionEvent | null {
    const { type, payloadLength } = packet.header;
    // The peer's own refusal needs no answer.
    if (type === PacketType.Close) {
      this.#fail(refusedByPeer());
      return null;
    }
    // The handshake's last packet is the first of the numbers, and was looked into there.
    if (type === PacketType.Response && this.#inherited) return null;
    gate.admitPacket(type, payloadLength, now);
    if (type !== PacketType.Authentication) return this.#dispatch(packet, keys, now);
    return this.#passed(gate, gate.receive(this.#acceptance.decrypt(keys, packet)), now);
  }

  #passed(gate: AuthenticationGate, event: GateEvent | null, now: bigint): null {
    this.writeProof(now);
    if (event === null) return null;
    if (event.type === 'authenticated') {
      gate.forget();
      this.#gate = null;
    }
    this.#events.push(event);
    return null;
  }

  /** After our CLOSE: what still comes is checked, for a faulty packet means that no more of it may be read. */
  #linger(packet: Packet, keys: PacketCrypto, now: bigint): SessionEvent | null {
    const { type } = packet.header;
    if (type === PacketType.Close) return this.#closed();
    if (type === PacketType.Rekey) this.#rekey.received(readRekey(this.#acceptance.decrypt(keys, packet)), keys, now);
    return null;
  }

  #data(packet: Packet, plaintext: Uint8Array, now: bigint): SessionEvent | null {
    const { channel, flags } = packet.header;
    const data = this.#messages.take(channel, flags, plaintext, now);
    if (data === null) return null;
    if (data.length === 0) {
      this.#traffic.emptyMessages++;
      return null;
    }
    return { type: 'message', channel, data };
  }

  // ---- Output ----------------------------------------------------------------------------------------------------

  sendMessage(channel: number, data: Uint8Array, now: bigint): void {
    this.#checkMessage(channel, data);
    try {
      if (data.length <= MAX_PACKET_PLAINTEXT_BYTES) {
        this.#writePacket(PacketType.Data, Flag.RequireAck, channel, data, now);
      } else {
        const [first, last] = cutMessage(this.#messageId, data);
        this.#messageId = (this.#messageId + 1) >>> 0;
        this.#writePacket(PacketType.Data, Flag.RequireAck | Flag.Fragment, channel, first, now);
        this.#writePacket(PacketType.Data, Flag.RequireAck | Flag.Fragment | Flag.LastFragment, channel, last, now);
      }
      this.#rekey.consider(now);
    } catch (error) {
      throw this.#fail(error);
    }
  }

  close(now: bigint): void {
    if (this.#over || this.#state.name === 'CLOSING') return;
    try {
      this.#write(PacketType.Close, Flag.None, 0, NO_BYTES, now);
      this.#state.step('ended');
    } catch (error) {
      this.#fail(error);
    }
    // From here on the shell decides how long it waits.
    this.#timers.stopAll();
    this.#messages.clear();
  }

  #checkMessage(channel: number, data: Uint8Array): void {
    if (this.#gate !== null) {
      throw new PoolError('ERR_POOL_NOT_ESTABLISHED', 'the peer has not proved yet who it is: nothing can be sent');
    }
    if (this.#over) throw new PoolError('ERR_POOL_NOT_ESTABLISHED', 'the session is over: nothing can be sent on it');
    if (this.#state.name === 'CLOSING') throw new PoolError('ERR_POOL_CLOSED', 'the session was closed on this side');
    checkInteger('a channel', channel, 0, CHANNELS - 1);
    if (data.length === 0) throw new PoolError('ERR_INVALID_ARG_VALUE', 'a message needs at least one byte');
    if (data.length > MAX_MESSAGE_BYTES) {
      const reason = `a message of ${data.length} bytes is above the ${MAX_MESSAGE_BYTES} that a session carries`;
      throw new PoolError('ERR_POOL_MESSAGE_TOO_LARGE', reason);
    }
  }

  #write(type: number, flags: number, channel: number, plaintext: Uint8Array, now: bigint): bigint {
    const seq = this.#ownSequence.next;
    this.#writePacket(type, flags, channel, plaintext, now);
    return seq;
  }

  #writePacket(type: number, flags: number, channel: number, plaintext: Uint8Array, now: bigint): void {
    const bytes = this.#writer.write(this.#keys.sending, type, flags, channel, plaintext, now);
    this.#traffic.sent(bytes);
    this.#measurements.throughput.sent(bytes, now);
  }

  // ---- Time ------------------------------------------------------------------------------------------------------

  nextTimeout(): bigint | null {
    return this.#timers.next();
  }

  handleTimeout(now: bigint): void {
    if (this.#over) return;
    try {
      if (this.#timers.expired(Timer.Heartbeat, now)) this.#heartbeat(now);
      this.#rekey.handleTimeout(now);
      const verdict = this.#silence.judge(now);
      if (verdict === 'ask') this.#heartbeat(now);
      if (verdict === 'lost') throw peerLost(`it was silent for ${this.#limits.deadAfterNs / 1_000_000n} ms`);
      if (this.#timers.expired(Timer.Fragments, now))
        throw violation('a message in fragments was not complete in time');
      if (this.#timers.expired(Timer.Packet, now)) throw violation('a packet was not complete in time');
    } catch (error) {
      this.#fail(error);
    }
  }

  pauseReading(now: bigint): void {
    this.#timers.pause(now);
  }

  resumeReading(now: bigint): void {
    const ns = this.#timers.resume(now);
    this.#silence.shiftDeadlines(ns);
    this.#messages.shiftDeadlines(ns);
  }

  #heartbeat(now: bigint): void {
    this.#control.sendHeartbeat(now);
    this.#timers.set(Timer.Heartbeat, nextHeartbeat(now, this.#limits.heartbeatIntervalNs));
    if (this.#gate === null) this.#rekey.consider(now);
  }

  // ---- End -------------------------------------------------------------------------------------------------------

  #closed(): SessionEvent {
    this.#end();
    return { type: 'closed' };
  }

  /** The peer's FIN, after all that came before it. After our own CLOSE it is what we wait for. */
  #finish(): void {
    if (this.#state.name === 'CLOSING') this.#end();
    else this.#fail(peerLost('it ended the connection without CLOSE'));
  }

  #fail(cause: unknown): PoolError {
    const error = asPoolError(cause);
    if (!this.#over) {
      this.#end();
      this.#events.push({ type: 'failed', error });
    }
    return error;
  }

  forget(): void {
    if (!this.#over) this.#end();
  }

  #end(): void {
    this.#over = true;
    if (this.#state.name !== 'CLOSING') this.#state.step('ended');
    this.#timers.stopAll();
    this.#framer.clear();
    this.#messages.clear();
    this.#early.length = 0;
    this.#gate?.forget();
    this.#keys.forget();
  }

  // ---- What the parts see of the session -------------------------------------------------------------------------

  #controlSession(): ConstructorParameters<typeof Control>[0] {
    const outbox = this.#outbox;
    return {
      measurements: this.#measurements,
      write: (type, flags, channel, plaintext, now) => this.#write(type, flags, channel, plaintext, now),
      get outputBytes() {
        return outbox.bytes;
      },
      report: (now) => this.telemetry(now, this.queueDepth),
    };
  }

  #rekeySession(): ConstructorParameters<typeof Rekey>[0] {
    return {
      crypto: this.#crypto,
      limits: this.#limits,
      keys: this.#keys,
      peerSequence: this.#peerSequence,
      state: this.#state,
      timers: this.#timers,
      traffic: this.#traffic,
      write: (type, flags, channel, plaintext, now) => this.#write(type, flags, channel, plaintext, now),
      rekeyed: (count) => this.#events.push({ type: 'rekeyed', count }),
    };
  }
}
