import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it } from 'vitest';
import { Addr } from '../../../src/pool/address/addr.js';
import { publish, trace } from '../../../src/pool/observe/diagnostics.js';

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
