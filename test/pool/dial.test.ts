import { getEventListeners } from 'node:events';
import type { LookupFunction } from 'node:net';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../src/base/errors.js';
import { callSite } from '../../src/pool/call-site.js';
import { connMaker } from '../../src/pool/flow/conn-events.js';
import { generateIdentity } from '../../src/index.js';
import { dial, dialWith } from '../../src/pool/dial.js';
import type { DialOptions } from '../../src/pool/options.js';
import type { AddressInput } from '../../src/pool/address/target.js';
import { FakeBackend, rejection, settled } from './fake-backend.js';

function start(address: AddressInput, options?: DialOptions, backend = new FakeBackend()) {
  const parts = { selectBackend: async () => backend, connMaker };
  return { backend, conn: dialWith(parts, callSite(start), address, options) };
}

const two: LookupFunction = (_host, _options, callback) => {
  callback(null, [
    { address: '::1', family: 6 },
    { address: '10.0.0.1', family: 4 },
  ]);
};

describe('dial', () => {
  it('gives a Conn of the first session', async () => {
    const { backend, conn } = start('10.0.0.1:1');
    (await backend.nth(0)).answer();
    const { remoteAddr, backend: name, state } = await conn;
    expect([String(remoteAddr), name, state]).toEqual(['10.0.0.1:1', 'user', 'open']);
    (await conn).destroy();
  });

  it('a channel opened in the turn in which it settles misses nothing', async () => {
    const { backend, conn } = start('10.0.0.1:1', { channels: [7] });
    const peer = (await backend.nth(0)).answer();
    peer.send(5, Buffer.from('five'), () => {});
    peer.send(7, Buffer.from('seven'), () => {});
    const dialled = await conn;
    const channel = await dialled.openChannel(5);
    expect(String(await channel.readMessage())).toBe(String(Uint8Array.from(Buffer.from('five'))));
    expect((await (await dialled.openChannel(7)).readMessage())?.length).toBe(5);
    dialled.destroy();
  });

  it.each([
    ['x y', {}, 'ERR_POOL_INVALID_ADDRESS'],
    ['10.0.0.1:0', {}, 'ERR_OUT_OF_RANGE'],
    [':0', {}, 'ERR_OUT_OF_RANGE'],
    ['10.0.0.1:1', { timeout: -1 }, 'ERR_OUT_OF_RANGE'],
    ['10.0.0.1:1', { network: 'pool6' }, 'ERR_POOL_INVALID_ADDRESS'],
    [{ host: 'a', port: 'http' }, {}, 'ERR_INVALID_ARG_TYPE'],
    [{ host: '10.0.0.1', port: 1, peers: 'x' }, {}, 'ERR_INVALID_ARG_VALUE'],
    [{ host: '10.0.0.1', port: 1, identity: 'x' }, { network: 'pool4' }, 'ERR_INVALID_ARG_VALUE'],
    [{ port: 1, psk: 'x' }, { peers: undefined }, 'ERR_INVALID_ARG_VALUE'],
    [undefined, {}, 'ERR_INVALID_ARG_TYPE'],
    ['10.0.0.1:1', null, 'ERR_INVALID_ARG_TYPE'],
  ] as [string, DialOptions, string][])('rejects %o %o before any I/O', async (address, options, code) => {
    let selected = false;
    const selectBackend = async () => {
      selected = true;
      return new FakeBackend();
    };
    const error = await rejection(dialWith({ selectBackend, connMaker }, callSite(start), address, options));
    expect(error).toBeInstanceOf(PoolError);
    expect([error.code, selected]).toEqual([code, false]);
  });

  it('takes an address that has names of its own, where options ask for the proof', async () => {
    const address = { host: '10.0.0.1', port: 1, peers: 'a path, perhaps' };
    const { backend, conn } = start(address, { peers: [generateIdentity().line] });
    (await backend.nth(0)).answer();
    (await conn).destroy();
    expect((await rejection(start(address).conn)).message).toBe(
      'an address has no "peers": options of dial go into its second argument, dial(address, { peers })',
    );
  });

  it('makes one sentence of operation, address and reason', async () => {
    const { backend, conn } = start({ host: '10.0.0.1', port: 9253 });
    const cause = new Error('below');
    (await backend.nth(0)).fail(new PoolError('ECONNREFUSED', 'connection refused', { errno: 111, cause }));
    const error = await rejection(conn);
    expect(error.message).toBe('dial pool 10.0.0.1:9253: connection refused');
    expect(error).toMatchObject({
      code: 'ECONNREFUSED',
      errno: -111,
      syscall: 'connect',
      address: '10.0.0.1',
      port: 9253,
      cause,
    });
    expect(error.stack?.split('\n')[1]).toContain('dial.test.ts');
  });

  it('lists each address in the cause when several failed', async () => {
    const { backend, conn } = start('host:1', { lookup: two, autoSelectFamilyAttemptDelay: 10 });
    (await backend.nth(0)).fail(new PoolError('ECONNREFUSED', 'connection refused'));
    (await backend.nth(1)).fail(new PoolError('ERR_POOL_TIMEOUT', 'too late'));
    const error = await rejection(conn);
    expect(error.code).toBe('ECONNREFUSED');
    expect(error.message).toContain('dial pool host:1: connection refused');
    expect((error.cause as Error).message).toBe('[::1]:1: connection refused; 10.0.0.1:1: too late');
  });

  it('tries only the first address without autoSelectFamily', async () => {
    const { backend, conn } = start('host:1', { lookup: two, autoSelectFamily: false });
    (await backend.nth(0)).fail(new PoolError('ECONNREFUSED', 'connection refused'));
    expect((await rejection(conn)).code).toBe('ECONNREFUSED');
    expect(backend.dials.map(({ address }) => address.address)).toEqual(['::1']);
  });

  it('tries one after the other where dials must not overlap', async () => {
    const serial = new FakeBackend({ name: 'kernel', parallelDials: false });
    const { backend, conn } = start('host:1', { lookup: two, autoSelectFamilyAttemptDelay: 10 }, serial);
    const first = await backend.nth(0);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(backend.dials.length).toBe(1);
    first.fail(new PoolError('ECONNREFUSED', 'connection refused'));
    (await backend.nth(1)).answer();
    const { remoteAddr, backend: name } = await conn;
    expect([remoteAddr.address, name]).toEqual(['10.0.0.1', 'kernel']);
    (await conn).destroy();
  });
});

describe('a dial that is given up', () => {
  it.each(['select', 'lookup', 'dial'])(
    'rejects with the reason while it waits for %s, and leaves nothing',
    async (phase) => {
      const stop = new AbortController();
      const backend = new FakeBackend();
      const selectBackend = () => (phase === 'select' ? new Promise<never>(() => {}) : Promise.resolve(backend));
      const lookup: LookupFunction = phase === 'lookup' ? () => {} : two;
      const conn = dialWith({ selectBackend, connMaker }, callSite(start), 'host:1', { signal: stop.signal, lookup });
      if (phase === 'dial') await backend.nth(0);
      expect(await settled(conn)).toBe(false);
      const reason = new PoolError('ERR_POOL_CLOSED', "the caller's own");
      const { stack } = reason;
      stop.abort(reason);
      expect(await rejection(conn)).toBe(reason);
      expect(reason.stack).toBe(stack);
      expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
      expect(backend.dials.every(({ signal }) => signal?.aborted)).toBe(true);
    },
  );

  it('rejects before any I/O when the signal fired before', async () => {
    const { backend, conn } = start('10.0.0.1:1', { signal: AbortSignal.abort('a string') });
    expect(await conn.catch((reason: unknown) => reason)).toBe('a string');
    expect(backend.dials).toEqual([]);
  });

  it.each(['select', 'lookup', 'dial'])('times out while it waits for %s', async (phase) => {
    const backend = new FakeBackend();
    const selectBackend = () => (phase === 'select' ? new Promise<never>(() => {}) : Promise.resolve(backend));
    const lookup: LookupFunction = phase === 'lookup' ? () => {} : two;
    const begun = performance.now();
    const error = await rejection(
      dialWith({ selectBackend, connMaker }, callSite(start), 'host:1', { timeout: 30, lookup }),
    );
    expect(performance.now() - begun).toBeGreaterThanOrEqual(28);
    expect(error).toMatchObject({
      code: 'ERR_POOL_TIMEOUT',
      timeout: true,
      syscall: 'connect',
      address: 'host',
      port: 1,
    });
    expect(error.message).toBe('dial pool host:1: no session within 30 ms');
    expect(backend.dials.every(({ signal }) => signal?.aborted)).toBe(true);
  });

  it('one signal ends any number of dials, by one listener', async () => {
    const stop = new AbortController();
    const dials = Array.from({ length: 50 }, () => start('10.0.0.1:1', { signal: stop.signal }));
    for (const { backend } of dials) await backend.nth(0);
    expect(getEventListeners(stop.signal, 'abort').length).toBe(1);
    stop.abort();
    for (const { conn } of dials) expect((await rejection(conn)).name).toBe('AbortError');
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
  });

  it('a signal that fires after the dial settled changes nothing', async () => {
    const stop = new AbortController();
    const { backend, conn } = start('10.0.0.1:1', { signal: stop.signal, timeout: 50 });
    (await backend.nth(0)).answer();
    const dialled = await conn;
    stop.abort();
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(dialled.state).toBe('open');
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
    dialled.destroy();
  });
});

it('a polluted prototype adds no option to a dial', async () => {
  const pollution = { timeout: 1, onClose: () => {}, connectTimeout: 1, once: true };
  for (const [name, value] of Object.entries(pollution)) {
    Object.defineProperty(Object.prototype, name, { value, configurable: true });
  }
  try {
    const { backend, conn } = start('10.0.0.1:1');
    await new Promise((resolve) => setTimeout(resolve, 10));
    (await backend.nth(0)).answer();
    (await conn).destroy();
  } finally {
    for (const name of Object.keys(pollution)) Reflect.deleteProperty(Object.prototype, name);
  }
});

it('the public dial starts its stacks at the caller', async () => {
  const error = await rejection(dial('a b'));
  expect(error.stack?.split('\n')[1]).toContain('dial.test.ts');
});
