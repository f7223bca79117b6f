/**
 * The packets that carry no message (wire protocol, Packet types): HEARTBEAT and its ACK, DISCOVER, and the types this node does
 * nothing with. What a peer can make us send is rationed.
 */
import type { RawTelemetry } from '../../base/session.js';
import { Flag, LIMITS, NO_BYTES, PacketType } from './constants.js';
import { TokenBucket } from '../../base/token-bucket.js';
import { violation } from './faults.js';
import { readProbeSize } from './payloads.js';
import { type Measurements, readTelemetry, writeTelemetry } from './telemetry.js';

/** What control packets need of their session. */
export interface ControlSession {
  readonly measurements: Measurements;
  /** Writes a packet and gives its sequence number. */
  write(type: number, flags: number, channel: number, plaintext: Uint8Array, now: bigint): bigint;
  /** Bytes that wait to be taken. */
  readonly outputBytes: number;
  report(now: bigint): RawTelemetry;
}

export class Control {
  readonly #session: ControlSession;
  readonly #heartbeatReplies: TokenBucket;
  readonly #discoverReplies: TokenBucket;
  readonly #ignored: TokenBucket;
  /** HEARTBEATs whose ACK is awaited, oldest first. */
  readonly #awaited: { seq: bigint; sentAt: bigint }[] = [];
  #peerTelemetry: RawTelemetry | null = null;

  constructor(session: ControlSession) {
    this.#session = session;
    this.#heartbeatReplies = new TokenBucket(LIMITS.heartbeatRepliesPerSecond);
    this.#discoverReplies = new TokenBucket(LIMITS.discoverRepliesPerSecond);
    this.#ignored = new TokenBucket(LIMITS.ignoredPacketsPerSecond, LIMITS.ignoredPacketsBurst);
  }

  /** What the peer's last HEARTBEAT reported. */
  get peerTelemetry(): RawTelemetry | null {
    return this.#peerTelemetry;
  }

  sendHeartbeat(now: bigint): void {
    if (this.#crowded) return;
    const payload = writeTelemetry(this.#session.report(now));
    const seq = this.#session.write(PacketType.Heartbeat, Flag.Telemetry, 0, payload, now);
    if (this.#awaited.length === LIMITS.outstandingHeartbeats) this.#awaited.shift();
    this.#awaited.push({ seq, sentAt: now });
  }

  /** The peer's HEARTBEAT: its ACK's `ack` is that packet's number, being the last one received. */
  heartbeat(flags: number, plaintext: Uint8Array, now: bigint): void {
    if ((flags & Flag.Telemetry) !== 0) this.#peerTelemetry = readTelemetry(plaintext) ?? this.#peerTelemetry;
    if (this.#crowded || !this.#heartbeatReplies.take(now)) return;
    this.#session.write(PacketType.Ack, Flag.None, 0, NO_BYTES, now);
  }

  ack(seq: bigint, now: bigint): void {
    const index = this.#awaited.findIndex((heartbeat) => heartbeat.seq === seq);
    if (index < 0) return;
    this.#session.measurements.roundTrip.sample(now - this.#awaited[index]!.sentAt);
    this.#awaited.splice(0, index + 1);
  }

  /** Whether a DISCOVER with these flags is a probe that will be echoed; asked before it is decrypted. */
  wantsProbe(flags: number, now: bigint): boolean {
    // With TELEMETRY it is a list of peers, of no use over TCP.
    return (flags & Flag.Telemetry) === 0 && !this.#crowded && this.#discoverReplies.take(now);
  }

  /** An MTU probe: the same payload goes back once. */
  probe(plaintext: Uint8Array, now: bigint): void {
    const size = readProbeSize(plaintext);
    if (size === null) return;
    this.#session.write(PacketType.Discover, Flag.None, 0, plaintext, now);
    this.#session.measurements.probeEchoed(size);
  }

  /** A packet that is ignored after its checks. A flood of them ends the session. */
  ignore(now: bigint): void {
    if (!this.#ignored.take(now)) throw violation('a flood of packets that carry nothing');
  }

  get #crowded(): boolean {
    return this.#session.outputBytes > LIMITS.controlBacklogBytes;
  }
}
