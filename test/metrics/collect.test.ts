import { channel } from 'node:diagnostics_channel';
import { setImmediate as turn } from 'node:timers/promises';
import { Gauge, Registry } from 'prom-client';
import { afterEach, describe, expect, it } from 'vitest';
import { dial, listen } from '../../src/index.js';
import { collectPoolMetrics } from '../../src/metrics/index.js';
import { openSessions } from '../../src/pool/observe/process-sessions.js';
import { valuesOf } from './text.js';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const scrape = async (register: Registry) => valuesOf(await register.metrics());

async function pair() {
  const listener = await listen('127.0.0.1:0', { backend: 'user' });
  stops.push(() => listener.close({ connections: 'destroy' }));
  const [client, server] = await Promise.all([dial(listener.addr.toString(), { backend: 'user' }), listener.accept()]);
  stops.push(() => client.destroy());
  return { client, server };
}

function collect(): Registry {
  const register = new Registry();
  stops.push(collectPoolMetrics({ register }));
  return register;
}

describe('collectPoolMetrics', () => {
  it('tells of each session what its own telemetry says, under the names of the module’s exporter', async () => {
    const register = collect();
    const { client, server } = await pair();
    await client.write(Buffer.alloc(10_000));
    await server.readMessage();
    const metrics = await scrape(register);
    expect(metrics.get('pool_active_sessions')).toBe(2);
    const labels = `{idx="${client.sessionIndex}",peer="${client.remoteAddr.toString()}",state="ESTABLISHED"}`;
    const info = await client.info();
    expect(metrics.get(`pool_session_packets_sent${labels}`)).toBe(Number(info.packetsSent));
    expect(metrics.get(`pool_session_bytes_sent${labels}`)).toBe(Number(info.bytesSent));
    expect(metrics.get(`pool_session_bytes_sent${labels}`)).toBeGreaterThanOrEqual(10_000);
    // A round trip is none before a heartbeat was answered.
    expect(info.telemetry.rttNs).toBeNull();
    expect(metrics.get(`pool_session_rtt_microseconds${labels}`)).toBeUndefined();
    expect(metrics.get(`pool_session_jitter_microseconds${labels}`)).toBeUndefined();
    expect(metrics.get(`pool_session_loss_ppm${labels}`)).toBe(0);
    expect(metrics.get(`pool_session_mtu_bytes${labels}`)).toBe(1400);
    for (const name of ['packets_recv', 'bytes_recv', 'throughput_bps', 'queue_depth']) {
      expect(metrics.get(`pool_session_${name}${labels}`)).toBeGreaterThanOrEqual(0);
    }
    expect(metrics.get(`pool_session_uptime_seconds${labels}`)).toBeGreaterThan(0);
    const kinds = await register.getMetricsAsJSON();
    const type = (name: string): string => String(kinds.find((metric) => metric.name === name)!.type);
    expect(type('pool_session_packets_sent')).toBe('counter');
    expect(type('pool_session_rtt_microseconds')).toBe('gauge');
  });

  it('counts totals once, and those of ended sessions too, which leave no series behind', async () => {
    const register = collect();
    const before = await scrape(register);
    const { client, server } = await pair();
    await client.write(Buffer.alloc(50_000));
    await server.readMessage();
    const first = await scrape(register);
    expect((await scrape(register)).get('pool_bytes_sent_total')).toBe(first.get('pool_bytes_sent_total'));
    await client.write(Buffer.alloc(30_000));
    await server.readMessage();
    await client.close();
    await server.closed;
    await server.close();
    await turn();
    const last = await scrape(register);
    expect(last.get('pool_active_sessions')).toBe(0);
    expect([...last.keys()].filter((name) => name.startsWith('pool_session_'))).toEqual([]);
    for (const name of ['pool_bytes_sent_total', 'pool_bytes_recv_total']) {
      expect(last.get(name)! - (before.get(name) ?? 0)).toBeGreaterThanOrEqual(80_000);
      expect(last.get(name)!).toBeGreaterThanOrEqual(first.get(name)!);
    }
    expect(last.get('pool_packets_sent_total')!).toBeGreaterThan(first.get('pool_packets_sent_total')!);
    expect(openSessions().size).toBe(0);
  });

  it.each([
    [{ device: 7 }, 'ERR_INVALID_ARG_TYPE'],
    [{ device: '' }, 'ERR_INVALID_ARG_VALUE'],
    [{ device: 'a\0b' }, 'ERR_INVALID_ARG_VALUE'],
    [{ path: '/dev/pool' }, 'ERR_INVALID_ARG_VALUE'],
  ])('refuses %j before anything is registered', (options, code) => {
    const register = new Registry();
    expect(() => collectPoolMetrics({ register, ...(options as object) })).toThrow(expect.objectContaining({ code }));
    expect(register.getMetricsAsArray()).toEqual([]);
  });

  it('can be taken away, and registered anew', async () => {
    const register = new Registry();
    const stop = collectPoolMetrics({ register });
    expect(() => collectPoolMetrics({ register })).toThrow('already been registered');
    stop();
    expect(await register.metrics()).toBe('\n');
    collectPoolMetrics({ register })();
    const again = collectPoolMetrics({ register });
    stop();
    expect(register.getMetricsAsArray()).not.toEqual([]);
    again();
  });

  it('registers all its metrics or none, and leaves those that are there', async () => {
    const register = collect();
    const names = (of: Registry): string[] => of.getMetricsAsArray().map(({ name }) => name);
    const before = names(register);
    expect(() => collectPoolMetrics({ register, device: '/nowhere/pool' })).toThrow('already been registered');
    expect(names(register)).toEqual(before);
    expect((await scrape(register)).get('pool_active_sessions')).toBe(0);
    const other = new Registry();
    new Gauge({ name: 'pool_peers_refused_total', help: "another's", registers: [other] });
    const subscribers = channel('pool.peer.refused').hasSubscribers;
    expect(() => collectPoolMetrics({ register: other })).toThrow('already been registered');
    expect(names(other)).toEqual(['pool_peers_refused_total']);
    expect(channel('pool.peer.refused').hasSubscribers).toBe(subscribers);
  });
});
