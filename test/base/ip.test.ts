import { expect, it } from 'vitest';
import { ipFromBytes, ipToBytes, isLinkLocal, unmapIpv4 } from '../../src/base/ip.js';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

it.each([
  ['10.0.0.1', '00000000000000000000ffff0a000001', '10.0.0.1'],
  ['255.255.255.255', '00000000000000000000ffffffffffff', '255.255.255.255'],
  ['::ffff:10.0.0.1', '00000000000000000000ffff0a000001', '10.0.0.1'],
  ['::', '00'.repeat(16), '::'],
  ['::1', `${'00'.repeat(15)}01`, '::1'],
  ['2001:db8::ff00:42:8329', '20010db8000000000000ff0000428329', '2001:db8::ff00:42:8329'],
  ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008', '1:2:3:4:5:6:7:8'],
  ['fe80::1%eth0', `fe80${'00'.repeat(13)}01`, 'fe80::1'],
  ['64:ff9b::192.0.2.1', '0064ff9b0000000000000000c0000201', '64:ff9b::c000:201'],
])('%s', (address, bytes, text) => {
  expect(hex(ipToBytes(address))).toBe(bytes);
  expect(ipFromBytes(ipToBytes(address))).toBe(text);
});

it.each(['', 'localhost', '10.0.0', '1:2:3', '10.0.0.1%eth0'])('%j is no address', (text) => {
  expect(() => ipToBytes(text)).toThrow(TypeError);
});

it.each([
  ['fe80::1', true],
  ['febf::1', true],
  ['fec0::1', false],
  ['fe7f::1', false],
  ['10.0.0.1', false],
])('%s is link-local: %s', (address, expected) => expect(isLinkLocal(ipToBytes(address))).toBe(expected));

it.each([
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['::FFFF:10.0.0.1', '10.0.0.1'],
  ['::ffff:a00:1', '::ffff:a00:1'],
  ['::1', '::1'],
  ['10.0.0.1', '10.0.0.1'],
])('%s without its mapping is %s', (text, plain) => expect(unmapIpv4(text)).toBe(plain));
