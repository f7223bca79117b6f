/** The dashboard shows metrics that there are, with labels that they have. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Conn, dial, listen, type Listener } from '../../src/index.js';
import { collectPoolMetrics } from '../../src/metrics/index.js';
import { ROOT } from '../programs/run.js';

interface Dashboard {
  panels: { id: number; title: string; targets: { expr: string; legendFormat: string }[] }[];
}

const dashboard = JSON.parse(readFileSync(join(ROOT, 'examples/grafana-dashboard.json'), 'utf8')) as Dashboard;
const targets = dashboard.panels.flatMap(({ title, targets: shown }) => shown.map((target) => ({ title, ...target })));

let listener: Listener;
let conns: Conn[];
let stop: () => void;
let exposed = '';

beforeAll(async () => {
  const register = new Registry();
  stop = collectPoolMetrics({ register });
  listener = await listen('127.0.0.1:0', { backend: 'user' });
  conns = await Promise.all([dial(listener.addr, { backend: 'user' }), listener.accept()]);
  exposed = await register.metrics();
});
afterAll(async () => {
  stop();
  await Promise.all(conns.map((conn) => conn.close()));
  await listener.close();
});

test('has panels of their own number', () => {
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  expect(targets.length).toBeGreaterThan(5);
});

test.each(targets)('$title: $expr', ({ expr, legendFormat }) => {
  const [name = ''] = /\bpool_\w+/.exec(expr) ?? [];
  expect(exposed).toContain(`# TYPE ${name} ${expr.startsWith('rate(') ? 'counter' : 'gauge'}`);
  // `instance` is Prometheus' own; a round trip is told of once it was measured, with the labels of the others.
  const labels = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)]
    .map(([, label]) => label)
    .filter((label) => label !== 'instance');
  const sample = new RegExp(`^${name.includes('_session_') ? 'pool_session_uptime_seconds' : name}(.*) `, 'm').exec(
    exposed,
  );
  for (const label of labels) expect(sample?.[1]).toContain(`${label}="`);
});
