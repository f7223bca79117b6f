/**
 * Two endpoints joined by a link in virtual time: a step moves bytes if there are any, else it jumps to the next deadline, so
 * hours of protocol take milliseconds. A tap on the link may change what goes over it.
 */
import { PoolError } from '../../../src/base/errors.js';
import type {
  DiallerCredentials,
  ListenerCredentials,
  ProvenPeer,
} from '../../../src/poolnode/protocol/authentication/types.js';
import { createClientHandshake } from '../../../src/poolnode/protocol/client-handshake.js';
import { createServerHandshake } from '../../../src/poolnode/protocol/server-handshake.js';
import { writeTelemetry } from '../../../src/poolnode/protocol/telemetry.js';
import { seededCrypto } from '../../random.js';
import type { Crypto, Handshake, Session, SessionEvent, SessionLimits } from '../../../src/poolnode/protocol/types.js';

export const SECOND = 1_000_000_000n;
export const CLIENT_BASE = 1n << 40n;
export const SERVER_BASE = (1n << 62n) + (1n << 40n);

export function concat(pieces: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces));
}

let usual: Crypto = seededCrypto();

/** The cryptography of pairs that are not told theirs, from here on. @param keyPairs as of {@link seededCrypto} */
export function useCrypto(crypto: Crypto, keyPairs?: number): void {
  usual = seededCrypto(crypto, keyPairs);
}

export interface PairOptions {
  crypto?: Crypto;
  clientLimits?: Partial<SessionLimits>;
  serverLimits?: Partial<SessionLimits>;
  clientBase?: bigint;
  serverBase?: bigint;
  difficulty?: number;
  clientCredentials?: DiallerCredentials;
  serverCredentials?: ListenerCredentials;
}

/** Takes the bytes of one side's output, gives those that arrive. */
export type Tap = (bytes: Uint8Array) => Uint8Array[];

const through: Tap = (bytes) => [bytes];

/** One side: its session, what it was delivered and how it ended. */
export class Side {
  readonly messages: { channel: number; data: Uint8Array }[] = [];
  readonly rekeys: number[] = [];
  /** Keys that were proven, and wait for a decision. */
  readonly asked: Uint8Array[] = [];
  /** What was proven of the peer when the session opened. */
  peer: ProvenPeer | undefined;
  ended: 'closed' | PoolError | null = null;
  tap: Tap = through;

  constructor(readonly session: Session) {}

  /** Takes all events there are. */
  pump(now: bigint): void {
    for (let event = this.session.next(now); event !== null; event = this.session.next(now)) this.#note(event);
  }

  #note(event: SessionEvent): void {
    if (this.ended !== null) throw new Error(`an event after the last one: ${event.type}`);
    if (event.type === 'message') this.messages.push({ channel: event.channel, data: event.data });
    else if (event.type === 'rekeyed') this.rekeys.push(event.count);
    else if (event.type === 'peer-proven') this.asked.push(event.publicKey);
    else if (event.type === 'authenticated') this.peer = event.peer;
    else this.ended = event.type === 'closed' ? 'closed' : event.error;
  }

  get code(): string | null {
    return this.ended instanceof PoolError ? this.ended.code : this.ended;
  }
}

export class Pair {
  now = 1_000n * SECOND;
  readonly client: Side;
  readonly server: Side;
  /** Nothing of what is sent arrives. */
  cut = false;

  constructor(options: PairOptions = {}) {
    const { client, server } = handshakes(options);
    [this.client, this.server] = shake(client, server, this.now).map((session) => new Side(session)) as [Side, Side];
  }

  /** Moves bytes both ways until there are none. */
  settle(): void {
    for (let round = 0; ; round++) {
      if (round > 10_000) throw new Error('the two sides never come to rest');
      this.client.pump(this.now);
      this.server.pump(this.now);
      const moved = this.#carry(this.client, this.server) || this.#carry(this.server, this.client);
      if (!moved) return;
    }
  }

  /** Lets `duration` pass, deadline by deadline. */
  run(duration: bigint): void {
    const end = this.now + duration;
    this.settle();
    for (;;) {
      const deadlines = [this.client, this.server]
        .map((side) => side.session.nextTimeout())
        .filter((deadline) => deadline !== null);
      const next = deadlines.reduce((a, b) => (a < b ? a : b), end);
      if (next >= end) break;
      if (next > this.now) this.now = next;
      this.client.session.handleTimeout(this.now);
      this.server.session.handleTimeout(this.now);
      this.settle();
    }
    this.now = end;
  }

  #carry(from: Side, to: Side): boolean {
    if (!from.session.hasOutput) return false;
    const bytes = concat(from.session.takeOutput());
    if (!this.cut) for (const chunk of from.tap(bytes)) to.session.receive(chunk);
    return true;
  }
}

export function handshakes(options: PairOptions = {}): { client: Handshake; server: Handshake } {
  const crypto = options.crypto ?? usual;
  return {
    client: createClientHandshake({
      crypto,
      initialSequence: options.clientBase ?? CLIENT_BASE,
      timestampOffset: 7n,
      ...(options.clientLimits && { limits: options.clientLimits }),
      ...(options.clientCredentials && { credentials: options.clientCredentials }),
    }),
    server: createServerHandshake({
      crypto,
      initialSequence: options.serverBase ?? SERVER_BASE,
      timestampOffset: 11n,
      difficulty: options.difficulty ?? 4,
      ...(options.serverLimits && { limits: options.serverLimits }),
      ...(options.serverCredentials && { credentials: options.serverCredentials }),
    }),
  };
}

/** Runs a handshake to its end; throws what a side throws. */
export function shake(
  client: Handshake,
  server: Handshake,
  now: bigint,
  tapClient: Tap = through,
  tapServer: Tap = through,
  rounds = 10_000,
): [client: Session, server: Session] {
  let clientSession: Session | null = null;
  let serverSession: Session | null = null;
  for (let round = 0; round < rounds; round++) {
    clientSession ??= client.advance(now);
    for (const chunk of tapClient(concat(client.takeOutput()))) server.receive(chunk);
    serverSession ??= server.advance(now);
    for (const chunk of tapServer(concat(server.takeOutput()))) (clientSession ?? client).receive(chunk);
    if (clientSession !== null && serverSession !== null) return [clientSession, serverSession];
  }
  throw new Error('the handshake never ended');
}

/** A telemetry block whose fields all differ. */
export const TELEMETRY = writeTelemetry({
  rttNs: 1n,
  jitterNs: 2n,
  lossRatePpm: 3,
  throughputBps: 4,
  mtuCurrent: 5,
  queueDepth: 6,
  uptimeNs: 7n,
  rekeyCount: 8,
  configVersion: 9,
});

/** All that waits to be sent, as one. */
export const take = (from: { takeOutput(): Uint8Array[] }): Uint8Array => concat(from.takeOutput());

/** What an action throws, which is a PoolError. */
export function failure(action: () => unknown): PoolError {
  try {
    action();
  } catch (error) {
    if (error instanceof PoolError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}
