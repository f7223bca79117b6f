import { getEventListeners } from 'node:events';
import type { LookupFunction } from 'node:net';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/base/errors.js';
import { type Network, readResolveOptions } from '../../../src/pool/options.js';
import { addressesOf, addressesToDial, resolve } from '../../../src/pool/address/resolve.js';
import { readTarget } from '../../../src/pool/address/target.js';
import { rejection, settled } from '../fake-backend.js';

const gives = (...addresses: string[]): LookupFunction => {
  return (_host, _options, callback) => {
    const list = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    setImmediate(() => callback(null, list));
  };
};

async function order(text: string, network: Network, lookup: LookupFunction): Promise<string[]> {
  const settings = readResolveOptions({ network, lookup });
  return (await addressesToDial(readTarget(text, network), settings)).map(String);
}

const never: LookupFunction = () => {
  throw new Error('nothing to look up');
};

describe('addressesToDial', () => {
  it.each([
    ['10.0.0.1:1', 'pool', ['10.0.0.1:1']],
    [':1', 'pool', ['127.0.0.1:1', '[::1]:1']],
    [':1', 'pool4', ['127.0.0.1:1']],
    [':1', 'pool6', ['[::1]:1']],
    ['0.0.0.0:1', 'pool', ['127.0.0.1:1']],
    ['[::]:1', 'pool', ['[::1]:1']],
  ] as [string, Network, string[]][])('needs no lookup for %s on %s', async (text, network, expected) => {
    expect(await order(text, network, never)).toEqual(expected);
  });

  it.each([
    [
      ['::1', '::2', '10.0.0.1', '10.0.0.2', '::3'],
      ['::1', '10.0.0.1', '::2', '10.0.0.2', '::3'],
    ],
    [
      ['10.0.0.1', '::1', '10.0.0.2'],
      ['10.0.0.1', '::1', '10.0.0.2'],
    ],
    [
      ['10.0.0.1', '10.0.0.2'],
      ['10.0.0.1', '10.0.0.2'],
    ],
    [
      ['::1', '10.0.0.1', '10.0.0.2', '10.0.0.3'],
      ['::1', '10.0.0.1', '10.0.0.2', '10.0.0.3'],
    ],
  ])('alternates families, beginning with the first: %j', async (found, expected) => {
    const shown = (await order('host:1', 'pool', gives(...found))).map((text) => text.replace(/\[|\]|:1$/g, ''));
    expect(shown).toEqual(expected);
  });

  it('drops what is not of the family, also from a lookup that does not ask for it', async () => {
    expect(await order('host:1', 'pool6', gives('10.0.0.1', '::1'))).toEqual(['[::1]:1']);
    expect(await order('host:1', 'pool4', gives('::ffff:10.0.0.1', '::1'))).toEqual(['10.0.0.1:1']);
  });

  it('asks for all addresses of the family', async () => {
    const asked: unknown[] = [];
    const lookup: LookupFunction = (host, options, callback) => {
      asked.push([host, options.all, options.family]);
      callback(null, '10.0.0.1', 4);
    };
    expect(await order('host:1', 'pool4', lookup)).toEqual(['10.0.0.1:1']);
    await order('bücher.example:1', 'pool', lookup);
    expect(asked).toEqual([
      ['host', true, 4],
      ['xn--bcher-kva.example', true, 0],
    ]);
  });
});

describe('addressesOf', () => {
  const target = readTarget('host:1', 'pool');

  it.each([
    [gives(), 'ENOTFOUND'],
    [gives('not an address'), 'ERR_POOL_INVALID_ADDRESS'],
    [(_h, _o, callback) => callback(null, undefined as unknown as string), 'ERR_POOL_INVALID_ADDRESS'],
    [(_h, _o, callback) => callback(Object.assign(new Error('x'), { code: 'EAI_AGAIN' }), ''), 'EAI_AGAIN'],
    [(_h, _o, callback) => callback(new Error('odd'), ''), 'ENOTFOUND'],
  ])('rejects what lookup %# gives', async (lookup, expected) => {
    expect(await rejection(addressesOf(target, readResolveOptions({ lookup })))).toMatchObject({ code: expected });
  });

  it('stops waiting when its signal fires, and leaves no listener on it', async () => {
    const stop = new AbortController();
    const reason = new Error('enough');
    const looking = addressesOf(target, readResolveOptions({ lookup: () => undefined, signal: stop.signal }));
    expect(await settled(looking.catch(() => {}))).toBe(false);
    stop.abort(reason);
    expect(await rejection(looking)).toBe(reason);
    await new Promise((resolve) => setImmediate(resolve));
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
  });
});

describe('resolve', () => {
  it('looks a name up without connecting', async () => {
    expect(String(await resolve('localhost:9253', { network: 'pool4' }))).toBe('127.0.0.1:9253');
    expect(String(await resolve('10.0.0.1'))).toBe('10.0.0.1:9253');
    expect(String(await resolve('[::1]:0'))).toBe('[::1]:0');
  });

  it('says what it looked up, from where it was called', async () => {
    const error = await rejection(resolve('host.example:1', { lookup: gives() }));
    expect(error).toBeInstanceOf(PoolError);
    expect(error).toMatchObject({ code: 'ENOTFOUND', syscall: 'resolve', address: 'host.example', port: 1 });
    expect(error.message).toMatch(/^resolve pool host\.example:1: /);
    expect(error.stack?.split('\n')[1]).toContain('resolve.test.ts');
  });

  it.each([
    [['x y'], 'ERR_POOL_INVALID_ADDRESS'],
    [[1], 'ERR_INVALID_ARG_TYPE'],
    [['a', { network: 'tcp' }], 'ERR_INVALID_ARG_VALUE'],
  ] as [[string, object], string][])('rejects %o', async (args, expected) => {
    expect(await rejection(resolve(...args))).toMatchObject({ code: expected });
  });

  it('rejects with the reason of a signal that fired before', async () => {
    const reason = new PoolError('ERR_POOL_CLOSED', 'mine');
    const { stack } = reason;
    expect(await rejection(resolve('a', { signal: AbortSignal.abort(reason), lookup: never }))).toBe(reason);
    expect(reason.stack).toBe(stack);
  });
});
