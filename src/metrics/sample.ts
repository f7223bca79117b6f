/** What one scrape sees of the sessions, wherever it asks for them. */
import type { RawTelemetry } from '../base/session.js';
import type { Totals } from './session-totals.js';

/** What is told of a session; counters are bigints, as in pool.h. */
export interface SessionFigures extends Record<keyof Totals, bigint> {
  telemetry: Omit<RawTelemetry, 'rttNs' | 'jitterNs' | 'rekeyCount' | 'configVersion'> & {
    /** ns; null or 0 before the first round trip was measured, which none takes in 0. */
    rttNs: bigint | null;
    /** ns; null or 0 as `rttNs`. */
    jitterNs: bigint | null;
  };
}

/** The exporter's labels: slot in the session table, the peer's address, the state in pool.h's words. */
export const LABELS = ['idx', 'peer', 'state'] as const;

/** A session as one scrape found it. */
export interface SessionSample {
  labels: Record<(typeof LABELS)[number], string>;
  figures: SessionFigures;
}

/** ms that a scrape waits for an answer; a device that stalls must not stall the monitoring of everything else. */
export const PATIENCE_MS = 1000;

/** Where sessions are asked for: this process, or a device. */
export interface SessionSource {
  /** All open sessions, counted in the totals; null where nothing answers. Never rejects. */
  sample(): Promise<SessionSample[] | null>;
  close(): void;
}
