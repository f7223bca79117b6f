/** Registers the metrics, and takes a sample of all sessions when they are asked for. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Counter, Gauge, type Metric, register as globalRegister, Registry } from 'prom-client';
import { checkPath, wrongType } from '../base/arguments.js';
import { refuseUnknown } from '../base/option-names.js';
import { deviceSource } from './device-source.js';
import { processSource } from './process-source.js';
import { LABELS, type SessionSample } from './sample.js';
import { SESSION_METRICS } from './session-metrics.js';
import { SessionTotals, TOTALS, type Totals } from './session-totals.js';

/** Options of {@link collectPoolMetrics}. */
export interface PoolMetricsOptions {
  /** Where the metrics are registered. Default: prom-client's global registry. */
  register?: Registry | undefined;
  /**
   * A device file, of the kernel module or served by pool-ts: the sessions of its whole table are told, whichever program
   * they are of, in place of this process's.
   */
  device?: string | undefined;
}

const PEER_EVENTS = [
  {
    event: 'pool.peer.authenticated',
    name: 'pool_peers_authenticated_total',
    help: 'Total peers that proved who they are',
  },
  {
    event: 'pool.peer.refused',
    name: 'pool_peers_refused_total',
    help: 'Total peers that were refused, or refused us',
  },
] as const;

/**
 * Tells Prometheus about POOL sessions: those of this process, both backends, dialled and accepted, or with `device` those
 * of a device's whole table. `pool_active_sessions`;
 * `pool_packets_sent_total`, `pool_packets_recv_total`, `pool_bytes_sent_total` and `pool_bytes_recv_total` of all
 * sessions since this call; and for each open session, labelled `idx`, `peer` and `state`, `pool_session_` and
 * `rtt_microseconds`, `jitter_microseconds`, `loss_ppm`, `throughput_bps`, `mtu_bytes`, `queue_depth`, `uptime_seconds`,
 * `packets_sent`, `packets_recv`, `bytes_sent`, `bytes_recv`. Names and labels are those of the kernel module's exporter.
 *
 * `pool_peers_authenticated_total` and `pool_peers_refused_total`, labelled `role`, count peers of this process that were asked
 * who they are, since this call: what rises at `role="server"` is somebody who tries. A device asks nobody.
 *
 * Sessions are looked at only when the registry is asked. On the kernel backend, and of a device, what a session moved
 * between the last time and its end is not known, and missing in the totals.
 *
 * Of a device there is also `pool_up`: 1 when it answered, 0 when it is not there, can't be opened, or gave no answer within
 * 1 s; there are no sessions then, and a warning with the code `POOL_METRICS_DEVICE` says why, once each time. It is opened
 * with the first scrape, and again after it was gone. `peer` is what the table shows: the kernel module doesn't know who
 * dialled an accepted session (kernel contract, section 3).
 * @returns what takes the metrics away again, and closes the device
 * @throws PoolError ERR_INVALID_ARG_VALUE for an option that isn't there, or an empty `device`, ERR_INVALID_ARG_TYPE for one
 *   that is no text, and a `register` that is none; Error of prom-client when the registry has one of the metrics already, and
 *   gets none of the others
 * @example
 * collectPoolMetrics();
 * http.createServer(async (request, response) => response.end(await register.metrics())).listen(9254);
 */
export function collectPoolMetrics(options: PoolMetricsOptions = {}): () => void {
  refuseUnknown(options, ['register', 'device']);
  const { register = globalRegister, device } = options;
  if (device !== undefined) checkPath('collect metrics: device', device);
  checkRegister(register);
  // Where all are before the first is registered: one that stayed behind alone would fail at every scrape.
  const made = new Registry();
  const registers = [made];
  const counter = (name: string, help: string): Counter => new Counter({ name, help, registers, collect });

  let sampling: Promise<SessionSample[] | null> | null = null;
  /** One sample for a whole scrape, whichever of its metrics asks first. */
  const answer = (): Promise<SessionSample[] | null> => {
    sampling ??= source.sample().finally(() => {
      sampling = null;
    });
    return sampling;
  };
  const sample = async (): Promise<SessionSample[]> => (await answer()) ?? [];
  async function collect(): Promise<void> {
    await answer();
  }

  if (device !== undefined) {
    new Gauge({
      name: 'pool_up',
      help: 'Whether the POOL device answered',
      registers,
      async collect() {
        this.set((await answer()) === null ? 0 : 1);
      },
    });
  }
  new Gauge({
    name: 'pool_active_sessions',
    help: 'Number of active POOL sessions',
    registers,
    async collect() {
      this.set((await sample()).filter(({ labels }) => labels.state === 'ESTABLISHED').length);
    },
  });
  const counters: Record<keyof Totals, Counter> = {
    packetsSent: counter('pool_packets_sent_total', 'Total packets sent'),
    packetsRecv: counter('pool_packets_recv_total', 'Total packets received'),
    bytesSent: counter('pool_bytes_sent_total', 'Total bytes sent'),
    bytesRecv: counter('pool_bytes_recv_total', 'Total bytes received'),
  };
  const totals = new SessionTotals((growth) => {
    for (const name of TOTALS) counters[name].inc(growth[name]);
  });
  for (const { name, help, type, value } of SESSION_METRICS) {
    new (type === 'gauge' ? Gauge : Counter)({
      name,
      help,
      labelNames: LABELS,
      registers,
      async collect(this: Gauge | Counter) {
        const samples = await sample();
        this.reset();
        for (const { labels, figures } of samples) {
          const known = value(figures);
          if (known !== null) this.inc(labels, known);
        }
      },
    });
  }
  const source =
    device === undefined ? processSource(totals) : deviceSource(totals, { path: device, down: warnOf(device) });
  const uncount = device === undefined ? countPeers(registers) : () => {};
  const unregister: (() => void)[] = [];
  const stop = (): void => {
    source.close();
    uncount();
    for (const one of unregister) one();
  };
  try {
    for (const { name } of made.getMetricsAsArray())
      unregister.push(registerIn(register, made.getSingleMetric(name)!, name));
  } catch (error) {
    stop();
    throw error;
  }
  return stop;
}

/** Returns what takes it out again, unless it is another's by then. @throws Error of prom-client where there is one of its name */
function registerIn(register: Registry, metric: Metric, name: string): () => void {
  register.registerMetric(metric);
  return () => {
    if (register.getSingleMetric(name) === metric) register.removeSingleMetric(name);
  };
}

/** Counts proofs and refusals. Returns what ends the counting. */
function countPeers(registers: Registry[]): () => void {
  const ends = PEER_EVENTS.map(({ event, name, help }) => {
    const counter = new Counter({ name, help, labelNames: ['role'], registers });
    const count = (message: unknown): void => counter.inc({ role: (message as { role: string }).role });
    subscribe(event, count);
    return () => void unsubscribe(event, count);
  });
  return () => {
    for (const end of ends) end();
  };
}

/** By what is asked of it: a program may have another copy of prom-client. */
function checkRegister(register: unknown): void {
  const { registerMetric } = Object(register) as Partial<Registry>;
  if (typeof registerMetric !== 'function') throw wrongType('options.register', 'a Registry of prom-client', register);
}

function warnOf(device: string): (error: Error) => void {
  return ({ message }) =>
    process.emitWarning(`the metrics of ${device} are missing, and pool_up is 0: ${message}`, {
      code: 'POOL_METRICS_DEVICE',
    });
}
