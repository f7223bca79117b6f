import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/base/errors.js';
import { connMaker } from '../../../src/pool/flow/conn-events.js';
import { readDialOptions } from '../../../src/pool/options.js';
import { memorySessions } from '../../../src/testing/memory-session.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the life of a Conn', () => {
  it('tells of the channels that this side opens and closes', async () => {
    const seen: [string, number | undefined, string | undefined][] = [];
    const names = ['pool.conn.open', 'pool.channel.open', 'pool.channel.close', 'pool.conn.close'];
    const see = (message: unknown, name: string | symbol): void => {
      const { channel, end } = message as { channel?: number; end?: { by: string } };
      seen.push([String(name), channel, end?.by]);
    };
    for (const name of names) subscribe(name, see);
    try {
      const [ours, theirs] = memorySessions();
      const conn = connMaker('user', readDialOptions({ channels: [9] }))(ours, 'client');
      const three = await conn.openChannel(3);
      expect(conn.channels.map(({ channel }) => channel)).toEqual([3, 9]);
      expect(conn.channels[0]).toBe(three);
      expect(conn.server).toBe(null);
      await three.close();
      expect(conn.channels.map(({ channel }) => channel)).toEqual([9]);
      await turn();
      theirs.destroy();
      await conn.closed;
      await turn();
    } finally {
      for (const name of names) unsubscribe(name, see);
    }
    expect(seen.slice(0, 4)).toEqual([
      ['pool.conn.open', undefined, undefined],
      ['pool.channel.open', 9, undefined],
      ['pool.channel.open', 3, undefined],
      ['pool.channel.close', 3, 'local'],
    ]);
    expect(seen.slice(4)).toHaveLength(2);
    expect(seen).toContainEqual(['pool.channel.close', 9, 'error']);
    expect(seen).toContainEqual(['pool.conn.close', undefined, 'error']);
  });

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
      expect(seen[5]![1]).toMatchObject({ end: { by: 'error' }, info: null });
      expect(warnings).toEqual(['POOL_READ_STALLED']);
    } finally {
      for (const name of names) unsubscribe(name, see);
      process.off('warning', warn);
    }
    expect(names.some((name) => channel(name).hasSubscribers)).toBe(false);
  });
});
