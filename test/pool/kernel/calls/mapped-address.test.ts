import { describe, expect, it } from 'vitest';
import { Addr } from '../../../../src/pool/address/addr.js';
import { fromMapped, toMapped } from '../../../../src/pool/kernel/calls/mapped-address.js';

describe('addresses in 16 bytes', () => {
  it.each([
    ['10.0.0.1', '00000000000000000000ffff0a000001'],
    ['255.255.255.255', '00000000000000000000ffffffffffff'],
    ['::1', '00000000000000000000000000000001'],
    ['::', '00000000000000000000000000000000'],
    ['2001:db8::1', '20010db8000000000000000000000001'],
    ['2001:db8:1:2:3:4:5:6', '20010db8000100020003000400050006'],
    ['fe00::', 'fe000000000000000000000000000000'],
    ['64:ff9b::192.0.2.33', '0064ff9b0000000000000000c0000221'],
  ])('%s goes in and out', (address, hex) => {
    const bytes = toMapped(new Addr(address, 9253));
    expect(Buffer.from(bytes).toString('hex')).toBe(hex);
    expect(fromMapped(bytes, 9253)).toEqual(new Addr(address, 9253));
  });

  it.each(['fe80::1', 'febf::1', 'fe80::1%eth0', '2001:db8::1%eth0'])('%s is refused', (address) => {
    expect(() => toMapped(new Addr(address, 9253))).toThrow(
      expect.objectContaining({ code: 'ERR_POOL_INVALID_ADDRESS' }),
    );
  });
});
