/**
 * Two backend sessions joined in memory: what a POOL session does, without a network. Bounded, asynchronous and ordered:
 * a wire that is full takes no more, nothing arrives within the call that sent it, and CLOSE comes behind the data.
 */
import type { SessionEnd, SessionHandler, SessionStateName } from '../base/session.js';
import { PoolError } from '../base/errors.js';
import { Addr } from '../pool/address/addr.js';
import type { BackendSession } from '../pool/backend.js';
import { toNodeTelemetry, withJson, type SessionInfo, type Telemetry } from '../pool/telemetry.js';
import { beginClosing, type Closing } from '../poolnode/session/session-close.js';
import { performance, setImmediate } from '../base/timers.js';

/** Payload bytes that a wire holds before its sender is told to stop, as a socket's buffers do. */
export const WIRE_BYTES = 65_536;

/** Messages that one turn of the event loop delivers, so that neither side starves the other. */
const MESSAGES_PER_TURN = 64;

export interface MemoryPairOptions {
  /** Bytes: 65535 by default, as on the user backend. */
  maxMessageSize?: number;
  /** Bytes that each direction holds before its sender is told to stop; default WIRE_BYTES. */
  wireBytes?: number;
  /** Addresses of the two ends; default 127.0.0.1:1 and 127.0.0.1:9253. */
  addresses?: readonly [Addr, Addr];
}

/** A session of memory; what its tests want to do to it beside what a backend's user may. */
export interface MemorySession extends BackendSession {
  /** The channels that are subscribed. */
  readonly channels: ReadonlySet<number>;
  /** The network fails: both ends see `error` once what is under way to them has arrived. */
  breakWire(error: PoolError): void;
}

interface MemoryPacket {
  channel: number;
  data: Uint8Array;
}

let pairs = 0;

/** Both ends of a new session. */
export function memorySessions(options: MemoryPairOptions = {}): [MemorySession, MemorySession] {
  const id = (++pairs).toString(16).padStart(32, '0');
  const [first, second] = options.addresses ?? [new Addr('127.0.0.1', 1), new Addr('127.0.0.1', 9253)];
  const a = new MemoryEnd(id, 0, first, second, options);
  const b = new MemoryEnd(id, 1, second, first, options);
  a.join(b);
  b.join(a);
  return [a, b];
}

class MemoryEnd implements MemorySession {
  readonly index: number;
  readonly id: string;
  readonly localAddr: Addr;
  readonly remoteAddr: Addr;
  readonly maxMessageSize: number;
  readonly channels = new Set<number>();
  readonly #wireBytes: number;
  #peer!: MemoryEnd;
  #handler: SessionHandler | null = null;
  /** What is under way to this end, and how it ends behind that. */
  readonly #incoming: MemoryPacket[] = [];
  #incomingBytes = 0;
  #incomingEnd: SessionEnd | null = null;
  #paused = false;
  #scheduled = false;
  #senderWaits = false;
  #state: SessionStateName = 'ESTABLISHED';
  #ended = false;
  #closing: Closing | null = null;
  #queueDepth = 0;
  readonly #since = performance.now();
  readonly #sent = { packets: 0n, bytes: 0n };
  readonly #received = { packets: 0n, bytes: 0n };

  constructor(id: string, index: number, local: Addr, remote: Addr, options: MemoryPairOptions) {
    this.id = id;
    this.index = index;
    this.localAddr = local;
    this.remoteAddr = remote;
    this.maxMessageSize = options.maxMessageSize ?? 65_535;
    this.#wireBytes = options.wireBytes ?? WIRE_BYTES;
  }

  join(peer: MemoryEnd): void {
    this.#peer = peer;
  }

  start(handler: SessionHandler): void {
    if (this.#handler !== null) throw new Error('a session starts once');
    this.#handler = handler;
    this.#schedule();
  }

  send(channel: number, data: Uint8Array, done: (error?: PoolError) => void): boolean {
    if (this.#ended || this.#state === 'CLOSING') {
      setImmediate(done, new PoolError('ERR_POOL_NOT_ESTABLISHED', 'the session is closed'));
      return true;
    }
    this.#sent.packets += 1n;
    this.#sent.bytes += BigInt(data.length);
    setImmediate(done);
    return this.#peer.#receive({ channel, data: Uint8Array.from(data) });
  }

  resume(): void {
    this.#paused = false;
    this.#schedule();
  }

  setQueueDepth(messages: number): void {
    this.#queueDepth = messages;
  }

  subscribe(channel: number): Promise<void> {
    return this.#call(() => void this.channels.add(channel));
  }

  unsubscribe(channel: number): Promise<void> {
    return this.#call(() => void this.channels.delete(channel));
  }

  close({ timeout }: { timeout: number }): Promise<void> {
    if (this.#ended) return Promise.resolve();
    this.#state = 'CLOSING';
    this.#peer.#receiveEnd({ by: 'remote' });
    this.#closing = beginClosing(timeout, () => {
      const error = new PoolError('ERR_POOL_TIMEOUT', `the peer didn't take what was sent within ${timeout} ms`);
      this.destroy(error);
      this.#closing?.settle(error);
    });
    setImmediate(() => this.#peerTook());
    return this.#closing.promise;
  }

  destroy(error?: PoolError): void {
    if (this.#ended) return;
    this.#peer.#receiveEnd({ by: 'error', error: new PoolError('ERR_POOL_PEER_LOST', 'the peer ended without CLOSE') });
    this.#finish(error === undefined ? { by: 'local' } : { by: 'error', error });
  }

  breakWire(error: PoolError): void {
    for (const end of [this, this.#peer]) end.#receiveEnd({ by: 'error', error });
  }

  telemetry(): Promise<Telemetry> {
    return this.#call(() => this.#telemetry());
  }

  info(): Promise<SessionInfo> {
    return this.#call(() =>
      withJson({
        index: this.index,
        localAddr: this.localAddr,
        peerAddr: this.remoteAddr,
        state: this.#state,
        sessionId: this.id,
        bytesSent: this.#sent.bytes,
        bytesRecv: this.#received.bytes,
        packetsSent: this.#sent.packets,
        packetsRecv: this.#received.packets,
        packetsSinceRekey: Number(this.#sent.packets + this.#received.packets),
        emptyMessages: 0,
        telemetry: this.#telemetry(),
      }),
    );
  }

  state(): Promise<SessionStateName> {
    return this.#call(() => this.#state);
  }

  /** Memory holds no process: there is nothing to wait for that isn't in it. */
  ref(): void {}

  unref(): void {}

  #telemetry(): Telemetry {
    const raw = {
      rttNs: 0n,
      jitterNs: 0n,
      lossRatePpm: 0,
      throughputBps: 0,
      mtuCurrent: 1400,
      queueDepth: Math.min(this.#queueDepth, 65_535),
      uptimeNs: BigInt(Math.round((performance.now() - this.#since) * 1e6)),
      rekeyCount: 0,
      configVersion: 0,
    };
    return toNodeTelemetry(raw, null);
  }

  /** A call into the session table: answered in a later turn. */
  #call<T>(answer: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      setImmediate(() => {
        if (this.#ended) reject(new PoolError('ERR_POOL_NOT_ESTABLISHED', 'the session is not in the table'));
        else resolve(answer());
      });
    });
  }

  /** Returns whether the wire has room for another. */
  #receive(packet: MemoryPacket): boolean {
    if (this.#ended || this.#incomingEnd !== null) return true;
    this.#incoming.push(packet);
    this.#incomingBytes += packet.data.length;
    this.#schedule();
    if (this.#incomingBytes < this.#wireBytes) return true;
    this.#senderWaits = true;
    return false;
  }

  #receiveEnd(end: SessionEnd): void {
    // What comes behind an error of the wire, or behind CLOSE, is not seen any more.
    if (this.#ended || this.#incomingEnd !== null) return;
    this.#incomingEnd = end;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#ended || this.#paused) return;
    // An end that closes has no use for what comes, and takes it without a handler too.
    if (this.#handler === null && this.#state !== 'CLOSING') return;
    this.#scheduled = true;
    setImmediate(() => this.#deliver());
  }

  #deliver(): void {
    this.#scheduled = false;
    if (this.#ended) return;
    const taken = this.#incoming.splice(0, MESSAGES_PER_TURN);
    while (taken.length > 0 && !this.#paused) {
      const { channel, data } = taken.shift()!;
      this.#incomingBytes -= data.length;
      this.#received.packets += 1n;
      this.#received.bytes += BigInt(data.length);
      if (this.#state !== 'CLOSING' && !this.#handler!.message(channel, data)) this.#paused = true;
      // The handler may have ended the session.
      if (this.#ended) return;
    }
    this.#incoming.unshift(...taken);
    if (this.#senderWaits && this.#incomingBytes <= this.#wireBytes / 2) {
      this.#senderWaits = false;
      setImmediate(() => this.#peer.#drain());
    }
    this.#peer.#peerTook();
    if (this.#incoming.length > 0) this.#schedule();
    else if (this.#incomingEnd !== null) this.#finish(this.#incomingEnd);
  }

  #drain(): void {
    if (!this.#ended) this.#handler?.drain();
  }

  /** `close` settles when what was sent, CLOSE included, has left for the peer's side. */
  #peerTook(): void {
    if (this.#closing === null || this.#peer.#incomingBytes > this.#wireBytes) return;
    this.#closing.settle();
    this.#finish({ by: 'local' });
  }

  #finish(end: SessionEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#state = 'CLOSING';
    this.#incoming.length = 0;
    this.#incomingBytes = 0;
    // The peer may send on for a while: nobody reads it, and it must not wait for that.
    if (this.#senderWaits) setImmediate(() => this.#peer.#drain());
    setImmediate(() => {
      this.#closing?.settle(end.error);
      this.#handler?.end(end);
    });
  }
}
