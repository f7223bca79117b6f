import { SocketAddress } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Addr } from '../../../src/pool/address/addr.js';
import type { Network } from '../../../src/pool/options.js';
import { targetName, familyOf, readTarget } from '../../../src/pool/address/target.js';

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;

describe('readTarget', () => {
  it.each([
    ['10.0.0.1', '10.0.0.1', 9253, true],
    ['host.example', 'host.example', 9253, false],
    ['*:1', '', 1, false],
    [':1', '', 1, false],
    ['', '', 9253, false],
    [{ host: '::1', port: 1 }, '::1', 1, true],
    [{ host: '[::1]' }, '::1', 9253, true],
    [{ host: 'localhost', port: undefined }, 'localhost', 9253, false],
    [{ port: 0 }, '', 0, false],
    [{}, '', 9253, false],
    [new Addr('fe80::1%eth0', 5), 'fe80::1%eth0', 5, true],
  ])('reads %o', (input, host, port, numeric) => {
    const target = readTarget(input, 'pool');
    expect([target.host, target.port, target.addr !== null]).toEqual([host, port, numeric]);
  });

  it.each([
    ['pool4', '[::1]:1', 'IPv6'],
    ['pool4', '::', 'IPv6'],
    ['pool6', '127.0.0.1:1', 'IPv4'],
    // It maps an IPv4 address, so that is what it is; as in Go.
    ['pool6', '[::ffff:127.0.0.1]:1', 'IPv4'],
  ] as [Network, string, string][])('refuses on %s the address %s, and says why', (network, text, family) => {
    expect(() => readTarget(text, network)).toThrow(code('ERR_POOL_INVALID_ADDRESS'));
    expect(() => readTarget(text, network)).toThrow(new RegExp(`${network} is IPv. only.*${family} address`));
  });

  it('takes an IPv4-mapped address as IPv4', () => {
    expect(readTarget('[::ffff:127.0.0.1]:1', 'pool4').host).toBe('127.0.0.1');
  });

  it.each([null, undefined, 9253, true, [], ['a', 1], () => 'a'])('refuses %o', (input) => {
    expect(() => readTarget(input, 'pool')).toThrow(code('ERR_INVALID_ARG_TYPE'));
  });

  it.each([
    [{ host: 1 }, 'ERR_INVALID_ARG_TYPE'],
    [{ host: 'a', port: 'http' }, 'ERR_INVALID_ARG_TYPE'],
    [{ host: 'a', port: ' 80' }, 'ERR_INVALID_ARG_TYPE'],
    [{ host: null }, 'ERR_INVALID_ARG_TYPE'],
    [{ host: 'a', port: 65536 }, 'ERR_OUT_OF_RANGE'],
    [{ host: 'a:80' }, 'ERR_POOL_INVALID_ADDRESS'],
  ])('refuses %o', (input, expected) => expect(() => readTarget(input, 'pool')).toThrow(code(expected)));

  it.each([
    [{ hostname: '10.0.0.1', port: 1 }, /'hostname'/],
    // What `server.address()` of Node gives.
    [{ address: '10.0.0.1', family: 'IPv4', port: 1 }, /'address'/],
    [new URL('http://10.0.0.1:9253'), /a URL/],
    [new SocketAddress({ address: '10.0.0.1', port: 1 }), /a SocketAddress/],
  ])('refuses %o, which names a host that would not be dialled', (input, what) => {
    expect(() => readTarget(input, 'pool')).toThrow(code('ERR_INVALID_ARG_TYPE'));
    expect(() => readTarget(input, 'pool')).toThrow(what);
  });

  it('takes a host beside other names', () => {
    expect(readTarget({ host: '10.0.0.1', hostname: 'other.example' }, 'pool').host).toBe('10.0.0.1');
  });

  it('reads own properties only', () => {
    expect(readTarget({ __proto__: { host: 'evil.example', port: 1 } }, 'pool')).toMatchObject({
      host: '',
      port: 9253,
    });
  });
});

it('targetName names network, host and port', () => {
  expect(targetName(readTarget('::1', 'pool6'))).toBe('pool6 [::1]:9253');
  expect(targetName(readTarget(':1', 'pool'))).toBe('pool :1');
});

it('familyOf a network', () => {
  expect((['pool', 'pool4', 'pool6'] as const).map(familyOf)).toEqual([null, 'IPv4', 'IPv6']);
});
