/**
 * REKEY as it runs in a session (wire protocol, REKEY): when one starts, what a peer's means, and
 * how long replaced keys stay.
 */
import { TokenBucket } from '../../base/token-bucket.js';
import { Flag, LIMITS, OLD_KEYS_NS, PacketType } from './constants.js';
import { violation } from './faults.js';
import type { KeyRing } from './key-ring.js';
import type { PeerSequence } from './sequence.js';
import type { StateMachine } from './states.js';
import { Timer, type Timers } from './timers.js';
import type { Traffic } from './traffic.js';
import type { Crypto, PacketCrypto, SessionLimits } from './types.js';

/** What a REKEY needs of its session. */
export interface RekeySession {
  readonly crypto: Crypto;
  readonly limits: SessionLimits;
  readonly keys: KeyRing;
  readonly peerSequence: PeerSequence;
  readonly state: StateMachine;
  readonly timers: Timers;
  readonly traffic: Traffic;
  /** Writes a packet under the keys that are for sending. */
  write(type: number, flags: number, channel: number, plaintext: Uint8Array, now: bigint): bigint;
  /** New keys are agreed for the `count`th time. */
  rekeyed(count: number): void;
}

export class Rekey {
  readonly #session: RekeySession;
  /** Each of the peer's REKEYs costs a key pair and three agreements, some 600 µs: more than the packet costs the peer. */
  readonly #peers: TokenBucket;
  #count = 0;

  constructor(session: RekeySession, now: bigint) {
    this.#session = session;
    this.#peers = new TokenBucket(LIMITS.rekeysPerSecond, LIMITS.rekeysBurst);
    session.timers.set(Timer.Rekey, now + session.limits.rekeyIntervalNs);
  }

  /** How often the keys changed. */
  get count(): number {
    return this.#count;
  }

  /** To be called after packets: starts a REKEY once their number asks for it and the last one is settled. */
  consider(now: bigint): void {
    const { traffic, limits, keys } = this.#session;
    if (traffic.packetsSinceRekey >= limits.rekeyPackets && keys.settled) this.#start(now);
  }

  /** To be called when timers passed. */
  handleTimeout(now: bigint): void {
    const { timers, keys, state } = this.#session;
    if (timers.expired(Timer.OldKeys, now)) {
      if (state.name === 'REKEYING') this.#answered(now);
      keys.settle();
    }
    if (!timers.expired(Timer.Rekey, now)) return;
    if (keys.settled) this.#start(now);
    else timers.set(Timer.Rekey, now + OLD_KEYS_NS);
  }

  /** A packet of the peer opened under `keys`; to be called before anything is made of it. */
  opened(keys: PacketCrypto, now: bigint): void {
    const session = this.#session;
    if (session.keys.settled) return;
    if (session.keys.opened(keys)) session.timers.stop(Timer.OldKeys);
    else if (!session.keys.isNew(keys)) session.timers.set(Timer.OldKeys, now + OLD_KEYS_NS);
    else if (session.keys.isModuleAnswer(keys) && session.state.name === 'REKEYING') this.#answered(now);
  }

  /** The peer's REKEY, which opened under `under`. */
  received(peerPublicKey: Uint8Array, under: PacketCrypto, now: bigint): void {
    const { crypto, keys, state, timers } = this.#session;
    // It derived keys from our REKEY already, so this is one of its own and not the answer.
    if (keys.isModuleAnswer(under)) keys.settle();
    if (state.name === 'CLOSING') {
      keys.followed(peerPublicKey);
      return;
    }
    if (keys.unanswered) {
      keys.answered(peerPublicKey);
    } else {
      keys.refuseUnsettled();
      if (!this.#peers.take(now)) throw violation('REKEY came too often');
      const pair = crypto.generateKeyPair();
      this.#write(pair.publicKey, now);
      keys.accepted(peerPublicKey, pair);
    }
    timers.set(Timer.OldKeys, now + OLD_KEYS_NS);
    this.#session.peerSequence.expectJump();
    this.#answered(now);
  }

  #start(now: bigint): void {
    const { crypto, keys, peerSequence, state, timers } = this.#session;
    const pair = crypto.generateKeyPair();
    this.#write(pair.publicKey, now);
    keys.initiated(pair);
    state.step('rekey-sent');
    timers.set(Timer.OldKeys, now + OLD_KEYS_NS);
    peerSequence.expectJump();
    this.#begin(now);
  }

  #write(publicKey: Uint8Array, now: bigint): void {
    this.#session.write(PacketType.Rekey, Flag.None, 0, publicKey, now);
  }

  #answered(now: bigint): void {
    const { state } = this.#session;
    if (state.name === 'REKEYING') state.step('rekey-answered');
    this.#begin(now);
    this.#session.rekeyed(++this.#count);
  }

  /** From here on the new keys are counted and timed. */
  #begin(now: bigint): void {
    const { limits, timers, traffic } = this.#session;
    traffic.packetsSinceRekey = 0;
    timers.set(Timer.Rekey, now + limits.rekeyIntervalNs);
  }
}
