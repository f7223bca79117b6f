/** What a session measured at one moment, and how it differs from the moment before. */
import type { SessionInfo } from '../../index.js';

/** A line of `pool-ts telemetry`. Null is what is not known yet. */
export interface Sample {
  /** ms since the epoch. */
  time: number;
  state: string;
  /** µs; known from the first heartbeat on, which goes out after 5 s. */
  rttUs: number | null;
  jitterUs: number | null;
  lossPercent: number;
  /** Bytes a second since the sample before; null at the first one. */
  sentRate: number | null;
  receivedRate: number | null;
  bytesSent: number;
  bytesReceived: number;
  /** Messages that wait for this program. */
  queueDepth: number;
  /** Messages that wait for the peer's program, as its last heartbeat said; null where it did not. */
  peerQueueDepth: number | null;
  mtu: number;
  uptimeSeconds: number;
  rekeys: number;
}

/** What the next sample is compared with. */
export interface Moment {
  sample: Sample;
  /** ms, monotonic. */
  at: number;
}

/** The sample of `info`, taken at `at`. */
export function sampleOf(info: SessionInfo, at: number, time: number, before: Moment | null): Sample {
  const { telemetry } = info;
  const [bytesSent, bytesReceived] = [Number(info.bytesSent), Number(info.bytesRecv)];
  return {
    time,
    state: info.state,
    // The kernel module says 0 before it has measured.
    rttUs: telemetry.rttNs ? Number(telemetry.rttNs) / 1000 : null,
    jitterUs: telemetry.rttNs ? Number(telemetry.jitterNs) / 1000 : null,
    lossPercent: telemetry.lossPercent,
    sentRate: rate(bytesSent, before?.sample.bytesSent, at, before?.at),
    receivedRate: rate(bytesReceived, before?.sample.bytesReceived, at, before?.at),
    bytesSent,
    bytesReceived,
    queueDepth: telemetry.queueDepth,
    peerQueueDepth: telemetry.peer?.queueDepth ?? null,
    mtu: telemetry.mtuCurrent,
    uptimeSeconds: Number(telemetry.uptimeNs) / 1e9,
    rekeys: telemetry.rekeyCount,
  };
}

/** Counters only grow; one that shrank is another session's. Times in ms; null where there is nothing to compare with. */
export function rate(count: number, before: number | undefined, now: number, then: number | undefined): number | null {
  if (before === undefined || then === undefined || now <= then || count < before) return null;
  return ((count - before) * 1000) / (now - then);
}

/** s of a session's life by which the answer to its first heartbeat, which goes out after 5, has come from who reads it. */
const ANSWERED_BY = 6;

/** What to say of a session whose peer is on the network and answers no heartbeat. */
export const UNANSWERED = 'no heartbeat was answered in 6 s: most likely nobody over there accepts the session';

/** The round trip should be known by now. Not of the module, whose figures are known from the start. */
export function isUnanswered({ rttUs, uptimeSeconds }: Sample, isModule: boolean): boolean {
  return !isModule && rttUs === null && uptimeSeconds >= ANSWERED_BY;
}

/** What is told below figures of the module. */
export const OWN_FIGURES = "* the module's own figures, which are no measurements";
