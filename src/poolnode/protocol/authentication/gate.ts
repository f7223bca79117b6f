/**
 * What stands between an established session and its program while the peer is not proven (wire protocol, Authentication).
 * Nothing but the exchange's own packets and what keeps the connection alive passes; all else is a refusal, at once.
 */
import { TokenBucket } from '../../../base/token-bucket.js';
import { PacketType } from '../constants.js';
import type { Header } from '../header.js';
import { refused } from './exchange-message.js';
import type { Exchange, ExchangeStep, ProvenPeer } from './types.js';

/** Bytes: all that a packet before the gate has a use for. */
const MAX_PAYLOAD_BYTES = 256;
const PACKETS_AT_ONCE = 64;
const PACKETS_PER_SECOND = 32;

/** What the program that carries the session is told. */
export type GateEvent =
  | { type: 'peer-proven'; publicKey: Uint8Array }
  /** The gate is open. */
  | { type: 'authenticated'; peer: ProvenPeer };

export class AuthenticationGate {
  readonly #exchange: Exchange;
  readonly #packets: TokenBucket;
  #asking = false;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    this.#packets = new TokenBucket(PACKETS_PER_SECOND, PACKETS_AT_ONCE);
  }

  /** Looks at a header before its payload is held. */
  readonly policy = ({ payloadLength }: Header): void => {
    if (payloadLength > MAX_PAYLOAD_BYTES) throw refused(`${payloadLength} bytes before it proved who it is`);
  };

  /** An authentic packet came. Throws where its type has no business here, or where there are too many. */
  admitPacket(type: number, payloadLength: number, now: bigint): void {
    if (!this.#packets.take(now)) throw refused('a flood of packets before it proved who it is');
    // A packet that was parked by the handshake has not passed the policy.
    if (payloadLength > MAX_PAYLOAD_BYTES) throw refused(`${payloadLength} bytes before it proved who it is`);
    if (!PASSING.has(type)) throw refused(`a packet of type ${type} before it proved who it is`);
  }

  /** The peer's message of the exchange. */
  receive(message: Uint8Array): GateEvent | null {
    if (this.#asking) throw refused('a message while it was being decided about');
    return this.#event(this.#exchange.receive(message));
  }

  /** The decision about the proven key was yes. */
  admit(): GateEvent | null {
    this.#asking = false;
    return this.#event(this.#exchange.admit());
  }

  takeMessage(): Uint8Array | null {
    return this.#exchange.takeMessage();
  }

  workAhead(): void {
    this.#exchange.workAhead();
  }

  forget(): void {
    this.#exchange.forget();
  }

  #event(step: ExchangeStep): GateEvent | null {
    switch (step.type) {
      case 'wait':
        return null;
      case 'ask':
        this.#asking = true;
        return { type: 'peer-proven', publicKey: step.publicKey };
      case 'open':
        return { type: 'authenticated', peer: step.peer };
    }
  }
}

const PASSING: ReadonlySet<number> = new Set([PacketType.Authentication, PacketType.Ack, PacketType.Heartbeat]);
