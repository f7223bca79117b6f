import { BlockList } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { reader, readDialOptions, readListenOptions, readResolveOptions } from '../../src/pool/options.js';

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;

const COMMON: [string, unknown, string][] = [
  ['backend', 'cloud', 'ERR_INVALID_ARG_VALUE'],
  ['backend', 'toString', 'ERR_INVALID_ARG_VALUE'],
  ['backend', null, 'ERR_INVALID_ARG_TYPE'],
  ['device', '', 'ERR_INVALID_ARG_VALUE'],
  ['device', 'a\0b', 'ERR_INVALID_ARG_VALUE'],
  ['device', Buffer.from('/dev/pool'), 'ERR_INVALID_ARG_TYPE'],
  ['readQueueBytes', 0, 'ERR_OUT_OF_RANGE'],
  ['readQueueBytes', 1.5, 'ERR_OUT_OF_RANGE'],
  ['readQueueBytes', Infinity, 'ERR_OUT_OF_RANGE'],
  ['readQueueBytes', '1', 'ERR_INVALID_ARG_TYPE'],
  ['writeQueueBytes', -1, 'ERR_OUT_OF_RANGE'],
  ['writeQueueBytes', 1n, 'ERR_INVALID_ARG_TYPE'],
  ['idleTimeout', -1, 'ERR_OUT_OF_RANGE'],
  ['idleTimeout', NaN, 'ERR_OUT_OF_RANGE'],
  ['idleTimeout', Infinity, 'ERR_OUT_OF_RANGE'],
  ['idleTimeout', '5', 'ERR_INVALID_ARG_TYPE'],
  ['writeStallTimeout', -1, 'ERR_OUT_OF_RANGE'],
  ['writeStallTimeout', Infinity, 'ERR_OUT_OF_RANGE'],
  ['writeStallTimeout', '60', 'ERR_INVALID_ARG_TYPE'],
  ['channels', [0], 'ERR_OUT_OF_RANGE'],
  ['channels', [256], 'ERR_OUT_OF_RANGE'],
  ['channels', [1.5], 'ERR_OUT_OF_RANGE'],
  ['channels', ['1'], 'ERR_INVALID_ARG_TYPE'],
  // A hole is undefined, and not a channel.
  ['channels', new Array(2), 'ERR_INVALID_ARG_TYPE'],
  ['channels', new Set([1]), 'ERR_INVALID_ARG_TYPE'],
  ['channels', 5, 'ERR_INVALID_ARG_TYPE'],
  ['maxSessions', 0, 'ERR_OUT_OF_RANGE'],
  ['maxSessions', 2 ** 60, 'ERR_OUT_OF_RANGE'],
  ['maxSessions', '64', 'ERR_INVALID_ARG_TYPE'],
  ['network', 'tcp', 'ERR_INVALID_ARG_VALUE'],
  ['network', 4, 'ERR_INVALID_ARG_TYPE'],
  ['signal', {}, 'ERR_INVALID_ARG_TYPE'],
  ['signal', null, 'ERR_INVALID_ARG_TYPE'],
  ['signal', 'stop', 'ERR_INVALID_ARG_TYPE'],
];

describe('readDialOptions', () => {
  it.each([
    ...COMMON,
    ['timeout', -1, 'ERR_OUT_OF_RANGE'],
    ['timeout', NaN, 'ERR_OUT_OF_RANGE'],
    ['timeout', 'soon', 'ERR_INVALID_ARG_TYPE'],
    ['autoSelectFamily', 1, 'ERR_INVALID_ARG_TYPE'],
    ['autoSelectFamilyAttemptDelay', 0, 'ERR_OUT_OF_RANGE'],
    ['autoSelectFamilyAttemptDelay', 2 ** 31, 'ERR_OUT_OF_RANGE'],
    ['autoSelectFamilyAttemptDelay', '250', 'ERR_INVALID_ARG_TYPE'],
    ['lookup', 'dns', 'ERR_INVALID_ARG_TYPE'],
  ] as [string, unknown, string][])('refuses %s %o', (name, value, expected) => {
    expect(() => readDialOptions({ [name]: value })).toThrow(code(expected));
    expect(() => readDialOptions({ [name]: value })).toThrow(`options.${name}`);
  });

  it.each([null, 1, 'a', true])('refuses options that are no object: %s', (options) => {
    expect(() => readDialOptions(options)).toThrow(code('ERR_INVALID_ARG_TYPE'));
  });

  it('has the documented defaults', () => {
    expect(readDialOptions(undefined)).toEqual({
      backend: undefined,
      device: undefined,
      readQueueBytes: 1_048_576,
      writeQueueBytes: 1_048_576,
      idleTimeout: 0,
      writeStallTimeout: 60_000,
      channels: [],
      maxSessions: undefined,
      signal: undefined,
      network: 'pool',
      lookup: undefined,
      timeout: 0,
      autoSelectFamily: true,
      autoSelectFamilyAttemptDelay: 250,
    });
  });

  it('takes undefined for absent', () => {
    const names = ['backend', 'device', 'timeout', 'channels', 'signal', 'lookup', 'network', 'autoSelectFamily'];
    expect(readDialOptions(Object.fromEntries(names.map((name) => [name, undefined])))).toEqual(readDialOptions({}));
  });

  it('copies channels, each once', () => {
    const channels = [5, 1, 5];
    const { channels: read } = readDialOptions({ channels });
    channels.push(0);
    expect(read).toEqual([5, 1]);
    expect(Object.isFrozen(read)).toBe(true);
  });

  it('knows a delay that is none, as Node does', () => {
    expect(readDialOptions({ autoSelectFamilyAttemptDelay: 1 }).autoSelectFamilyAttemptDelay).toBe(10);
  });

  it('reads each option once', () => {
    let reads = 0;
    const options = Object.defineProperty({}, 'timeout', { enumerable: true, get: () => 100 + reads++ });
    expect(readDialOptions(options).timeout).toBe(100);
    expect(reads).toBe(1);
  });

  it('lets what a getter throws through', () => {
    const options = Object.defineProperty({}, 'timeout', {
      get() {
        throw new RangeError('mine');
      },
    });
    expect(() => readDialOptions(options)).toThrow(RangeError);
  });
});

describe('readListenOptions', () => {
  it.each([
    ...COMMON,
    ['backlog', 0, 'ERR_OUT_OF_RANGE'],
    ['backlog', '128', 'ERR_INVALID_ARG_TYPE'],
    ['maxConnections', 0, 'ERR_OUT_OF_RANGE'],
    ['maxConnections', NaN, 'ERR_OUT_OF_RANGE'],
    ['maxSessionsPerAddress', 0, 'ERR_OUT_OF_RANGE'],
    ['maxSessionsPerAddress', Infinity, 'ERR_OUT_OF_RANGE'],
    ['handshakes', 5, 'ERR_INVALID_ARG_TYPE'],
    ['handshakes', null, 'ERR_INVALID_ARG_TYPE'],
    ['handshakes', { pending: 0 }, 'ERR_OUT_OF_RANGE'],
    ['handshakes', { initTimeout: '5' }, 'ERR_INVALID_ARG_TYPE'],
    ['blockList', ['10.0.0.1'], 'ERR_INVALID_ARG_TYPE'],
  ] as [string, unknown, string][])('refuses %s %o', (name, value, expected) => {
    expect(() => readListenOptions({ [name]: value })).toThrow(code(expected));
  });

  it('has the documented defaults', () => {
    expect(readListenOptions({})).toMatchObject({ backlog: 128, maxConnections: Infinity, network: 'pool' });
  });

  it('takes a net.BlockList', () => {
    const blockList = new BlockList();
    expect(readListenOptions({ blockList }).blockList).toBe(blockList);
  });
});

it('readResolveOptions reads network, lookup and signal', () => {
  const { signal } = new AbortController();
  expect(readResolveOptions({ network: 'pool6', signal })).toEqual({ network: 'pool6', signal, lookup: undefined });
});

it('count is a whole number from 1, or Infinity', () => {
  expect([reader({ n: 3 }).count('n'), reader({ n: Infinity }).count('n'), reader({}).count('n')]).toEqual([
    3,
    Infinity,
    undefined,
  ]);
  expect(() => reader({ n: 0 }).count('n')).toThrow(code('ERR_OUT_OF_RANGE'));
});

describe('what an options object did not have itself', () => {
  const POLLUTION = {
    backend: 'kernel',
    device: '/dev/evil',
    timeout: 1,
    signal: AbortSignal.abort(),
    network: 'tcp',
    lookup: () => undefined,
    channels: [0],
    maxConnections: -1,
    host: 'evil.example',
  };

  afterEach(() => {
    for (const name of Object.keys(POLLUTION)) Reflect.deleteProperty(Object.prototype, name);
  });

  it('does not count when the prototype of all objects is polluted', () => {
    const clean = [readDialOptions({}), readListenOptions({}), readDialOptions(undefined)];
    // Not enumerable, so that vitest itself is spared.
    for (const [name, value] of Object.entries(POLLUTION)) {
      Object.defineProperty(Object.prototype, name, { value, configurable: true });
    }
    expect([readDialOptions({}), readListenOptions({}), readDialOptions(undefined)]).toEqual(clean);
  });

  it('does not count when it comes by __proto__', () => {
    const sent = JSON.parse('{"__proto__": {"timeout": 1, "backend": "kernel"}, "network": "pool4"}') as object;
    expect(readDialOptions(sent)).toEqual(readDialOptions({ network: 'pool4' }));
    expect(readDialOptions({ __proto__: { timeout: 1 } })).toEqual(readDialOptions({}));
    expect(({} as { timeout?: number }).timeout).toBeUndefined();
  });
});
