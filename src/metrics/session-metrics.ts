/**
 * What is told of each session. Names and labels are those of the module's own exporter (tools/pool_exporter.py) where it
 * has one; the others follow its pattern. Its counters of a session have no `_total`, and so have none here.
 */
import type { SessionFigures } from './sample.js';

/** A series with a value for each session. */
export interface SessionMetric {
  name: string;
  help: string;
  type: 'gauge' | 'counter';
  /** Null while it isn't known: there is no sample then. */
  value: (figures: SessionFigures) => number | null;
}

export const SESSION_METRICS: readonly SessionMetric[] = [
  gauge('rtt_microseconds', 'Session RTT: round trip from heartbeat to its answer', ({ telemetry }) =>
    measured(telemetry, telemetry.rttNs),
  ),
  gauge('jitter_microseconds', 'Session jitter: how far round trips are from their mean', ({ telemetry }) =>
    measured(telemetry, telemetry.jitterNs),
  ),
  gauge(
    'loss_ppm',
    'Session loss: sequence gaps per million packets; 0 over TCP',
    ({ telemetry }) => telemetry.lossRatePpm,
  ),
  gauge('throughput_bps', 'Session throughput: bits per second sent', ({ telemetry }) => telemetry.throughputBps),
  gauge('mtu_bytes', 'Session path MTU as probed', ({ telemetry }) => telemetry.mtuCurrent),
  gauge('queue_depth', 'Session messages that wait for the program', ({ telemetry }) => telemetry.queueDepth),
  gauge('uptime_seconds', 'Session time since it was established', ({ telemetry }) => us(telemetry.uptimeNs) / 1e6),
  counter('packets_sent', 'Session packets sent', ({ packetsSent }) => Number(packetsSent)),
  counter('packets_recv', 'Session packets received', ({ packetsRecv }) => Number(packetsRecv)),
  counter('bytes_sent', 'Session bytes sent', ({ bytesSent }) => Number(bytesSent)),
  counter('bytes_recv', 'Session bytes received', ({ bytesRecv }) => Number(bytesRecv)),
];

function gauge(name: string, help: string, value: SessionMetric['value']): SessionMetric {
  return { name: `pool_session_${name}`, help, type: 'gauge', value };
}

function counter(name: string, help: string, value: SessionMetric['value']): SessionMetric {
  return { name: `pool_session_${name}`, help, type: 'counter', value };
}

/** In us; null before the first round trip, for which a device says 0. */
function measured({ rttNs }: SessionFigures['telemetry'], ns: bigint | null): number | null {
  return rttNs ? us(ns ?? 0n) : null;
}

function us(ns: bigint): number {
  return Number(ns) / 1000;
}
