import { channel, subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../src/errors.js';
import { Addr } from '../../src/pool/addr.js';
import { connMaker } from '../../src/pool/conn-events.js';
import { publish, trace } from '../../src/pool/diagnostics.js';
import { readDialOptions } from '../../src/pool/options.js';
import { memorySessions } from '../../src/testing/memory-session.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('publish', () => {
  it('builds no payload when nobody listens', () => {
    let built = 0;
    const drop = () => ({ localAddr: null, remoteAddr: new Addr('::1', built++), reason: 'backlog' as const });
    publish('pool.listener.drop', drop);
    expect(built).toBe(0);
    const see = (): void => {};
    subscribe('pool.listener.drop', see);
    publish('pool.listener.drop', drop);
    unsubscribe('pool.listener.drop', see);
    expect(built).toBe(1);
  });
});

describe('trace', () => {
  it('does not even make a context when nobody listens', async () => {
    const context = () => expect.unreachable();
    expect(await trace('dial', context, async () => 5)).toBe(5);
  });

  it.each(['dial', 'listen'] as const)('tells start, end and outcome of a %s', async (name) => {
    const seen: string[] = [];
    const log = (event: string) => (context: unknown) => {
      const { address, error } = context as { address: string; error?: Error };
      seen.push([event, address, error?.message].filter(Boolean).join(' '));
    };
    const handlers = {
      start: log('start'),
      end: log('end'),
      asyncStart: log('asyncStart'),
      asyncEnd: log('asyncEnd'),
      error: log('error'),
    };
    const traced = tracingChannel(`pool.${name}`);
    traced.subscribe(handlers);
    try {
      const context = () => ({ address: 'a:1', network: 'pool' });
      await trace(name, context, async () => 'done');
      const failing = trace(name, context, () => Promise.reject(new Error('no')));
      await expect(failing).rejects.toThrow('no');
    } finally {
      traced.unsubscribe(handlers);
    }
    expect(seen.slice(0, 4)).toEqual(['start a:1', 'end a:1', 'asyncStart a:1', 'asyncEnd a:1']);
    expect(seen).toContain('error a:1 no');
  });
});

describe('the life of a Conn', () => {
  it('is told from open to close', async () => {
    const seen: [string, Record<string, unknown>][] = [];
    const names = ['pool.conn.open', 'pool.conn.close', 'pool.conn.error', 'pool.session.rekey', 'pool.session.stall'];
    const see = (message: unknown, name: string | symbol): void => {
      seen.push([String(name), message as Record<string, unknown>]);
    };
    for (const name of names) subscribe(name, see);
    const warnings: unknown[] = [];
    const warn = (warning: Error & { code?: string }): void => void warnings.push(warning.code);
    process.on('warning', warn);
    try {
      const [ours, theirs] = memorySessions();
      const start = ours.start.bind(ours);
      ours.start = (handler) => {
        start(handler);
        handler.rekeyed?.(3);
        handler.stalled?.(8000);
        handler.stalled?.(9000);
      };
      const conn = connMaker('user', readDialOptions({}))(ours, 'client');
      expect(seen.map(([name]) => name)).toEqual(['pool.conn.open']);
      await turn();
      theirs.breakWire(new PoolError('ERR_POOL_PEER_LOST', 'cut'));
      await conn.closed;
      await turn();
      expect(seen.map(([name]) => name)).toEqual([
        'pool.conn.open',
        'pool.session.rekey',
        'pool.session.stall',
        'pool.session.stall',
        'pool.conn.error',
        'pool.conn.close',
      ]);
      const { id, remoteAddr } = conn;
      for (const [, message] of seen)
        expect(message).toMatchObject({ id, backend: 'user', role: 'client', remoteAddr });
      expect(seen[1]![1]).toMatchObject({ count: 3 });
      expect(seen[4]![1]).toMatchObject({ error: { code: 'ERR_POOL_PEER_LOST' } });
      expect(seen[5]![1]).toMatchObject({ end: { by: 'error' } });
      expect(warnings).toEqual(['POOL_READ_STALLED']);
    } finally {
      for (const name of names) unsubscribe(name, see);
      process.off('warning', warn);
    }
    expect(names.some((name) => channel(name).hasSubscribers)).toBe(false);
  });
});
