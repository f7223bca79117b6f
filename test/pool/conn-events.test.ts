import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../src/errors.js';
import { connMaker } from '../../src/pool/conn-events.js';
import { readDialOptions } from '../../src/pool/options.js';
import { memorySessions } from '../../src/testing/memory-session.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

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
