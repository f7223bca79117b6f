import { expect, it } from 'vitest';
import { addressBytes, addressText, isLinkLocal } from '../../src/pooldev/address-bytes.js';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

it.each([
  ['10.0.0.1', '00000000000000000000ffff0a000001', '10.0.0.1'],
  ['::ffff:10.0.0.1', '00000000000000000000ffff0a000001', '10.0.0.1'],
  ['::', '00'.repeat(16), '0:0:0:0:0:0:0:0'],
  ['::1', `${'00'.repeat(15)}01`, '0:0:0:0:0:0:0:1'],
  ['2001:db8::ff00:42:8329', '20010db8000000000000ff0000428329', '2001:db8:0:0:0:ff00:42:8329'],
  ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008', '1:2:3:4:5:6:7:8'],
  ['fe80::1%eth0', `fe80${'00'.repeat(13)}01`, 'fe80:0:0:0:0:0:0:1'],
  ['64:ff9b::192.0.2.1', '0064ff9b0000000000000000c0000201', '64:ff9b:0:0:0:0:c000:201'],
])('%s', (address, bytes, text) => {
  expect(hex(addressBytes(address))).toBe(bytes);
  expect(addressText(addressBytes(address))).toBe(text);
});

it('knows link-local addresses', () => {
  expect(['fe80::1', 'febf::1', 'fec0::1', 'fe7f::1', '10.0.0.1'].map((a) => isLinkLocal(addressBytes(a)))).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});
