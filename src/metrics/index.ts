/** pool-ts/metrics: the process's POOL sessions for Prometheus. Needs prom-client, a peer dependency. */
export { collectPoolMetrics, type PoolMetricsOptions } from './collect.js';
