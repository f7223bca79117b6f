/**
 * Telemetry: the payload of HEARTBEAT, packed and in the host order of the machines that speak it, little-endian (wire
 * protocol, Packet types; kernel contract, section 1), and the estimators behind its figures.
 */
import type { RawTelemetry } from '../../base/session.js';
import { DEFAULT_MTU_BYTES, NEWER_TELEMETRY_BYTES, TELEMETRY_BYTES, THROUGHPUT_WINDOW_NS } from './constants.js';

const U16_MAX = 0xffff;
const U32_MAX = 0xffff_ffff;

export function writeTelemetry(telemetry: RawTelemetry): Uint8Array {
  const payload = new Uint8Array(TELEMETRY_BYTES);
  const view = new DataView(payload.buffer);
  view.setBigUint64(0, telemetry.rttNs, true);
  view.setBigUint64(8, telemetry.jitterNs, true);
  view.setUint32(16, telemetry.lossRatePpm, true);
  view.setUint32(20, telemetry.throughputBps, true);
  view.setUint16(24, telemetry.mtuCurrent, true);
  view.setUint16(26, telemetry.queueDepth, true);
  view.setBigUint64(28, telemetry.uptimeNs, true);
  view.setUint32(36, telemetry.rekeyCount, true);
  view.setUint32(40, telemetry.configVersion, true);
  return payload;
}

/** What a peer reports, or null where the payload is neither of the sizes that are known. */
export function readTelemetry(payload: Uint8Array): RawTelemetry | null {
  if (payload.length !== TELEMETRY_BYTES && payload.length !== NEWER_TELEMETRY_BYTES) return null;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  return {
    rttNs: view.getBigUint64(0, true),
    jitterNs: view.getBigUint64(8, true),
    lossRatePpm: view.getUint32(16, true),
    throughputBps: view.getUint32(20, true),
    mtuCurrent: view.getUint16(24, true),
    queueDepth: view.getUint16(26, true),
    uptimeNs: view.getBigUint64(28, true),
    rekeyCount: view.getUint32(36, true),
    configVersion: view.getUint32(40, true),
  };
}

/** Round trips from HEARTBEAT to its ACK: 7/8 of the old mean and 1/8 of the sample, the same for the jitter. */
export class RoundTrip {
  #rtt: bigint | null = null;
  #jitter = 0n;

  get rttNs(): bigint {
    return this.#rtt ?? 0n;
  }

  /** The mean distance of a sample from the mean of those before it. */
  get jitterNs(): bigint {
    return this.#jitter;
  }

  sample(ns: bigint): void {
    if (this.#rtt === null) {
      this.#rtt = ns;
      return;
    }
    const distance = ns > this.#rtt ? ns - this.#rtt : this.#rtt - ns;
    this.#jitter = (7n * this.#jitter + distance) / 8n;
    this.#rtt = (7n * this.#rtt + ns) / 8n;
  }
}

const BUCKETS = 10;
const BUCKET_NS = THROUGHPUT_WINDOW_NS / BigInt(BUCKETS);
const WINDOW_SECONDS = 5;

/** Bits a second sent over the last 5 s, in steps of half a second. A packet costs one comparison and one addition. */
export class ThroughputMeter {
  readonly #buckets = new Float64Array(BUCKETS);
  #current = 0;
  #currentEnds: bigint;

  constructor(now: bigint) {
    this.#currentEnds = now + BUCKET_NS;
  }

  sent(bytes: number, now: bigint): void {
    if (now >= this.#currentEnds) this.#turn(now);
    this.#buckets[this.#current]! += bytes;
  }

  /** Saturates at u32, as the field does. */
  bitsPerSecond(now: bigint): number {
    if (now >= this.#currentEnds) this.#turn(now);
    let bytes = 0;
    for (const bucket of this.#buckets) bytes += bucket;
    return Math.min(U32_MAX, Math.round((bytes * 8) / WINDOW_SECONDS));
  }

  #turn(now: bigint): void {
    const passed = (now - this.#currentEnds) / BUCKET_NS + 1n;
    this.#currentEnds += passed * BUCKET_NS;
    const emptied = passed > BigInt(BUCKETS) ? BUCKETS : Number(passed);
    for (let i = 0; i < emptied; i++) {
      this.#current = (this.#current + 1) % BUCKETS;
      this.#buckets[this.#current] = 0;
    }
  }
}

/** All that a session measures of itself. */
export class Measurements {
  readonly roundTrip = new RoundTrip();
  readonly throughput: ThroughputMeter;
  readonly #establishedAt: bigint;
  #largestProbe = 0;

  constructor(now: bigint) {
    this.throughput = new ThroughputMeter(now);
    this.#establishedAt = now;
  }

  probeEchoed(size: number): void {
    this.#largestProbe = Math.max(this.#largestProbe, size);
  }

  report(now: bigint, queueDepth: number, rekeyCount: number): RawTelemetry {
    return {
      rttNs: this.roundTrip.rttNs,
      jitterNs: this.roundTrip.jitterNs,
      // Over TCP a gap in the sequence ends the session, so none is ever survived to be counted.
      lossRatePpm: 0,
      throughputBps: this.throughput.bitsPerSecond(now),
      mtuCurrent: this.#largestProbe === 0 ? DEFAULT_MTU_BYTES : this.#largestProbe,
      queueDepth: Math.min(U16_MAX, Math.max(0, Math.trunc(queueDepth))),
      uptimeNs: now - this.#establishedAt,
      rekeyCount,
      configVersion: 0,
    };
  }
}
