import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/base/errors.js';
import { joinHostPort } from '../../../src/base/ip.js';
import { Addr } from '../../../src/pool/address/addr.js';

const parts = ({ address, family, port }: Addr): unknown[] => [address, family, port];

describe('Addr', () => {
  it.each([
    ['10.0.0.1:9253', '10.0.0.1', 'IPv4', 9253, '10.0.0.1:9253'],
    ['10.0.0.1', '10.0.0.1', 'IPv4', 9253, '10.0.0.1:9253'],
    ['[::1]:80', '::1', 'IPv6', 80, '[::1]:80'],
    ['::1', '::1', 'IPv6', 9253, '[::1]:9253'],
    ['[2001:DB8:0:0::1]:1', '2001:db8::1', 'IPv6', 1, '[2001:db8::1]:1'],
    ['[fe80::1%eth0]:0', 'fe80::1%eth0', 'IPv6', 0, '[fe80::1%eth0]:0'],
    ['[::ffff:10.0.0.1]:7', '10.0.0.1', 'IPv4', 7, '10.0.0.1:7'],
    ['[::FFFF:a00:1]:7', '10.0.0.1', 'IPv4', 7, '10.0.0.1:7'],
  ])('reads %s', (text, address, family, port, written) => {
    const addr = Addr.parse(text);
    expect(parts(addr)).toEqual([address, family, port]);
    expect(addr.network).toBe('pool');
    expect(String(addr)).toBe(written);
    expect(parts(Addr.parse(written))).toEqual(parts(addr));
  });

  it.each(['localhost:9253', ':9253', '', '*:1'])('reads no name or empty host: %j', (text) => {
    expect(() => Addr.parse(text)).toThrow(expect.objectContaining({ code: 'ERR_POOL_INVALID_ADDRESS' }));
  });

  it.each([
    ['10.0.0.256', 1, 'ERR_POOL_INVALID_ADDRESS'],
    ['[::1]', 1, 'ERR_POOL_INVALID_ADDRESS'],
    ['10.0.0.1%eth0', 1, 'ERR_POOL_INVALID_ADDRESS'],
    ['10.0.0.1', 65536, 'ERR_OUT_OF_RANGE'],
    ['10.0.0.1', -1, 'ERR_OUT_OF_RANGE'],
    ['10.0.0.1', 1.5, 'ERR_OUT_OF_RANGE'],
    ['10.0.0.1', NaN, 'ERR_OUT_OF_RANGE'],
  ])('is not made of %j and %j', (address, port, code) => {
    expect(() => new Addr(address, port)).toThrow(expect.objectContaining({ code }));
  });

  it('throws PoolErrors', () => {
    expect(() => Addr.parse('')).toThrow(PoolError);
  });

  it('cannot be changed', () => {
    const addr = new Addr('10.0.0.1', 1);
    expect(() => Object.assign(addr, { port: 2 })).toThrow(TypeError);
    expect(addr.port).toBe(1);
  });

  it('is one line in inspect, and plain in JSON', () => {
    expect(inspect(new Addr('::1', 9))).toBe('Addr { [::1]:9 }');
    expect(JSON.parse(JSON.stringify(new Addr('::1', 9)))).toEqual({
      network: 'pool',
      host: '::1',
      family: 'IPv6',
      port: 9,
    });
  });

  it('knows an Addr of another copy of the package', () => {
    const other = Object.create({ [Symbol.for('pool-ts.Addr')]: true }) as object;
    expect([Addr.isAddr(other), Addr.isAddr(new Addr('::', 0)), Addr.isAddr({}), Addr.isAddr(null)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

it('joinHostPort brackets IPv6 only', () => {
  expect([joinHostPort('::1', 1), joinHostPort('host', 1), joinHostPort('', 1)]).toEqual(['[::1]:1', 'host:1', ':1']);
});
