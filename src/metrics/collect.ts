/** Registers the metrics, and takes a sample of all sessions when they are asked for. */
import { Counter, Gauge, register as globalRegister, type Registry } from 'prom-client';
import { refuseUnknown } from '../base/option-names.js';
import { openSessions, type ProcessSession, watchSessions } from '../pool/observe/process-sessions.js';
import type { SessionInfo } from '../pool/telemetry.js';
import { SESSION_METRICS } from './session-metrics.js';
import { SessionTotals } from './session-totals.js';
import { clearTimeout, setTimeout } from '../base/timers.js';

/** Options of {@link collectPoolMetrics}. */
export interface PoolMetricsOptions {
  /** Where the metrics are registered. Default: prom-client's global registry. */
  register?: Registry | undefined;
}

/** The exporter's labels: slot in the session table, the peer's address, the state in pool.h's words. */
const LABELS = ['idx', 'peer', 'state'] as const;

/** ms that a scrape waits for a session's answer; a device that stalls must not stall the monitoring of everything else. */
const PATIENCE_MS = 1000;

type Sample = { labels: Record<(typeof LABELS)[number], string>; info: SessionInfo };

/**
 * Tells Prometheus about the POOL sessions of this process, both backends, dialled and accepted: `pool_active_sessions`;
 * `pool_packets_sent_total`, `pool_packets_recv_total`, `pool_bytes_sent_total` and `pool_bytes_recv_total` of all
 * sessions since this call; and for each open session, labelled `idx`, `peer` and `state`, `pool_session_` and
 * `rtt_microseconds`, `jitter_microseconds`, `loss_ppm`, `throughput_bps`, `mtu_bytes`, `queue_depth`, `uptime_seconds`,
 * `packets_sent`, `packets_recv`, `bytes_sent`, `bytes_recv`. Names and labels are those of the kernel module's exporter.
 *
 * Sessions are looked at only when the registry is asked. On the kernel backend what a session moved between the last
 * time and its end is not known, and missing in the totals.
 * @returns what takes the metrics away again
 * @throws PoolError ERR_INVALID_ARG_VALUE for an option that isn't there; Error of prom-client when the registry has such metrics already
 * @example
 * collectPoolMetrics();
 * http.createServer(async (request, response) => response.end(await register.metrics())).listen(9254);
 */
export function collectPoolMetrics(options: PoolMetricsOptions = {}): () => void {
  refuseUnknown(options, ['register']);
  const { register = globalRegister } = options;
  const registers = [register];
  const names: string[] = [];
  const named = (name: string): string => {
    names.push(name);
    return name;
  };
  const counter = (name: string, help: string): Counter => new Counter({ name: named(name), help, registers, collect });

  let sampling: Promise<Sample[]> | null = null;
  /** One sample for a whole scrape, whichever of its metrics asks first. */
  const sample = (): Promise<Sample[]> => {
    sampling ??= takeSample(totals).finally(() => {
      sampling = null;
    });
    return sampling;
  };
  async function collect(): Promise<void> {
    await sample();
  }

  new Gauge({
    name: named('pool_active_sessions'),
    help: 'Number of active POOL sessions',
    registers,
    async collect() {
      this.set((await sample()).filter(({ info }) => info.state === 'ESTABLISHED').length);
    },
  });
  const packetsSent = counter('pool_packets_sent_total', 'Total packets sent');
  const packetsRecv = counter('pool_packets_recv_total', 'Total packets received');
  const bytesSent = counter('pool_bytes_sent_total', 'Total bytes sent');
  const bytesRecv = counter('pool_bytes_recv_total', 'Total bytes received');
  const totals = new SessionTotals((growth) => {
    packetsSent.inc(growth.packetsSent);
    packetsRecv.inc(growth.packetsRecv);
    bytesSent.inc(growth.bytesSent);
    bytesRecv.inc(growth.bytesRecv);
  });
  for (const { name, help, type, value } of SESSION_METRICS) {
    const configuration = { name: named(name), help, labelNames: LABELS, registers };
    if (type === 'gauge') {
      new Gauge({
        ...configuration,
        async collect() {
          const samples = await sample();
          this.reset();
          for (const { labels, info } of samples) give(value(info), (known) => this.set(labels, known));
        },
      });
    } else {
      new Counter({
        ...configuration,
        async collect() {
          const samples = await sample();
          this.reset();
          for (const { labels, info } of samples) give(value(info), (known) => this.inc(labels, known));
        },
      });
    }
  }
  const unwatch = watchSessions((ended) => {
    infoOf(ended).then(
      (info) => info && totals.count(ended, info),
      () => {},
    );
  });
  return () => {
    unwatch();
    for (const name of names) register.removeSingleMetric(name);
  };
}

/** Tells what is known. */
function give(value: number | null, tell: (value: number) => void): void {
  if (value !== null) tell(value);
}

async function takeSample(totals: SessionTotals): Promise<Sample[]> {
  const samples = await Promise.all(
    [...openSessions()].map(async (session): Promise<Sample | null> => {
      const info = await infoOf(session);
      if (info === null) return null;
      totals.count(session, info);
      const peer = session.session.remoteAddr.toString();
      return { labels: { idx: String(info.index), peer, state: info.state }, info };
    }),
  );
  return samples.filter((sample) => sample !== null);
}

/** Null for a session that is gone, or whose device doesn't answer. */
function infoOf({ session }: ProcessSession): Promise<SessionInfo | null> {
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve(null), PATIENCE_MS);
    const settle = (info: SessionInfo | null): void => {
      clearTimeout(late);
      resolve(info);
    };
    session.info().then(settle, () => settle(null));
  });
}
