import { describe, expect, it } from 'vitest';
import { PoolError } from '../../src/base/errors.js';
import type { BackendListenOptions } from '../../src/pool/backend.js';
import { callSite } from '../../src/pool/call-site.js';
import { connMaker } from '../../src/pool/flow/conn-events.js';
import { listen, listenWith } from '../../src/pool/listen.js';
import type { ListenOptions } from '../../src/pool/options.js';
import type { AddressInput } from '../../src/pool/address/target.js';
import { FakeBackend, rejection } from './fake-backend.js';

const start = (address?: AddressInput, options?: ListenOptions, backend = new FakeBackend()) =>
  listenWith({ selectBackend: async () => backend, connMaker }, callSite(start), address, options);

describe('listen', () => {
  it.each([
    [undefined, {}, { host: '', port: 9253, ipv4Only: false, ipv6Only: false }],
    ['', {}, { host: '', port: 9253, ipv4Only: false, ipv6Only: false }],
    [':0', {}, { host: '', port: 0 }],
    ['*:1', {}, { host: '', port: 1 }],
    ['[::]:1', {}, { host: '::', port: 1, ipv6Only: false }],
    ['[::]:1', { network: 'pool6' }, { host: '::', port: 1, ipv6Only: true }],
    [':1', { network: 'pool6' }, { host: '', ipv6Only: true, ipv4Only: false }],
    [':1', { network: 'pool4' }, { host: '', ipv6Only: false, ipv4Only: true }],
    ['0.0.0.0:1', {}, { host: '0.0.0.0' }],
    [{ host: '::1', port: 5 }, {}, { host: '::1', port: 5 }],
    ['localhost:1', { network: 'pool4' }, { host: '127.0.0.1' }],
  ] as [AddressInput, ListenOptions, Partial<BackendListenOptions>][])(
    'asks the backend for %o %o',
    async (address, options, expected) => {
      const backend = new FakeBackend();
      await start(address, options, backend);
      expect(backend.listening).toMatchObject(expected);
    },
  );

  it('leaves the host to the kernel module, which takes none', async () => {
    const backend = new FakeBackend({ name: 'kernel' });
    backend.listen = ({ host }) => Promise.reject(new PoolError('ERR_INVALID_ARG_VALUE', `not ${host}`));
    const error = await rejection(start('example.invalid:1', {}, backend));
    expect(error).toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
      message: 'listen pool example.invalid:1: not example.invalid',
    });
  });

  it.each([
    ['a b', {}, 'ERR_POOL_INVALID_ADDRESS'],
    ['[::1]:1', { network: 'pool4' }, 'ERR_POOL_INVALID_ADDRESS'],
    [':70000', {}, 'ERR_OUT_OF_RANGE'],
    [':1', { backlog: 0 }, 'ERR_OUT_OF_RANGE'],
    [null, {}, 'ERR_INVALID_ARG_TYPE'],
    [{ port: 1, psk: 'x' }, {}, 'ERR_INVALID_ARG_VALUE'],
    [{ port: 1, peers: 'anyone', identity: 'x' }, {}, 'ERR_INVALID_ARG_VALUE'],
    [':1', { signal: 1 }, 'ERR_INVALID_ARG_TYPE'],
  ] as [AddressInput, ListenOptions, string][])('rejects %o %o before any I/O', async (address, options, code) => {
    const backend = new FakeBackend();
    expect((await rejection(start(address, options, backend))).code).toBe(code);
    expect(backend.listening).toBe(null);
  });

  it('makes one sentence of operation, address and reason', async () => {
    const backend = new FakeBackend();
    backend.listen = () => Promise.reject(new PoolError('EADDRINUSE', 'address already in use', { errno: 98 }));
    const error = await rejection(start(':9253', {}, backend));
    expect(error).toMatchObject({ code: 'EADDRINUSE', errno: -98, syscall: 'listen', address: '', port: 9253 });
    expect(error.message).toBe('listen pool :9253: address already in use');
    expect(error.stack?.split('\n')[1]).toContain('listen.test.ts');
  });

  it('frees the port when its signal fired while it was opened, and takes no notice of it later', async () => {
    const backend = new FakeBackend();
    const stop = new AbortController();
    const reason = new Error('enough');
    const opening = start(':1', { signal: stop.signal }, backend);
    setImmediate(() => stop.abort());
    const listener = await opening;
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(listener.address()).not.toBe(null);

    const late = new FakeBackend();
    const other = new AbortController();
    const listenLate = late.listen.bind(late);
    late.listen = async (options) => {
      const bound = await listenLate(options);
      other.abort(reason);
      return bound;
    };
    expect(await rejection(start(':1', { signal: other.signal }, late))).toBe(reason);
    expect(late.listenerClosed).toBe(true);
    expect(await rejection(start(':1', { signal: AbortSignal.abort(reason) }, backend))).toBe(reason);
  });

  it('the public listen starts its stacks at the caller', async () => {
    expect((await rejection(listen('a b'))).stack?.split('\n')[1]).toContain('listen.test.ts');
  });
});
