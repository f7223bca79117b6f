/** What sessions did over the last looks at the table: rates, and values for sparklines. */
import type { Series } from '../screen/sparkline.js';
import { rate } from '../telemetry/sample.js';
import type { SessionRow } from './session-row.js';

/** A session as `top` shows it. */
export interface WatchedSession extends SessionRow {
  /** Bytes a second since the look before, of the counters, because the module's throughput is none; null at the first. */
  sentRate: number | null;
  receivedRate: number | null;
  /** The newest last. RTT is null until there was a heartbeat. */
  history: { rtt: Series; throughput: Series; loss: Series };
}

/** Looks that are remembered: more than a sparkline shows. */
const DEPTH = 240;

interface Remembered {
  at: number;
  row: SessionRow;
  rtt: (number | null)[];
  throughput: (number | null)[];
  loss: (number | null)[];
}

export class SessionHistory {
  /** By slot and session id: slots are used again at once. */
  #sessions = new Map<string, Remembered>();

  /** Takes a look at the table, made at `now` (ms, monotonic). Sessions that are not in it are forgotten. */
  add(rows: readonly SessionRow[], now: number): WatchedSession[] {
    const before = this.#sessions;
    this.#sessions = new Map();
    return rows.map((row) => {
      const key = `${row.index} ${row.sessionId}`;
      const old = before.get(key);
      const sentRate = rate(row.bytesSent, old?.row.bytesSent, now, old?.at);
      const receivedRate = rate(row.bytesReceived, old?.row.bytesReceived, now, old?.at);
      const both = sentRate === null || receivedRate === null ? null : sentRate + receivedRate;
      const entry: Remembered = {
        at: now,
        row,
        rtt: pushed(old?.rtt, row.rttUs || null),
        throughput: pushed(old?.throughput, both),
        loss: pushed(old?.loss, row.lossPercent),
      };
      this.#sessions.set(key, entry);
      const { rtt, throughput, loss } = entry;
      return { ...row, sentRate, receivedRate, history: { rtt, throughput, loss } };
    });
  }
}

function pushed(values: (number | null)[] = [], value: number | null): (number | null)[] {
  return [...values.slice(1 - DEPTH), value];
}
