import assert from 'node:assert/strict';
import { Then, When } from '@cucumber/cucumber';
import * as poolioc from 'pool-ts/poolioc';
import type { PoolWorld } from '../support/world.js';

const bytes = new WeakMap<PoolWorld, Uint8Array>();
const field = new WeakMap<PoolWorld, bigint>();

/** pool.h's names in TypeScript's conventions: pool_connect_req is ConnectReq, peer_addr is peerAddr. */
const camel = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

When('the IPv4 address {string} is mapped', function (this: PoolWorld, address: string) {
  bytes.set(this, poolioc.ipv4ToMapped(address));
});

When('the 16 bytes {string} are looked at', function (this: PoolWorld, hex: string) {
  bytes.set(this, Buffer.from(hex, 'hex'));
});

const looked = (world: PoolWorld): Uint8Array => bytes.get(world) ?? assert.fail('the scenario has no bytes');

Then('the 16 bytes are {string}', function (this: PoolWorld, hex: string) {
  assert.equal(Buffer.from(looked(this)).toString('hex'), hex);
});

Then('they are recognised as IPv4-mapped', function (this: PoolWorld) {
  assert.equal(poolioc.isV4Mapped(looked(this)), true);
});

Then('they are not recognised as IPv4-mapped', function (this: PoolWorld) {
  assert.equal(poolioc.isV4Mapped(looked(this)), false);
  assert.equal(poolioc.mappedToIpv4(looked(this)), null);
});

Then('mapping them back gives {string}', function (this: PoolWorld, address: string) {
  assert.equal(poolioc.mappedToIpv4(looked(this)), address);
});

Then(/^(POOL_IOC_\w+) is (0x[0-9a-f]+)$/, function (name: string, number: string) {
  const requests: Readonly<Record<string, unknown>> = poolioc;
  assert.equal(requests[name], Number(number));
});

Then(
  /^the structure (pool_\w+) has (\d+) bytes, with (.+)$/,
  function (structure: string, size: string, fields: string) {
    const name = camel(structure.replace(/^pool/, ''));
    const layout = Object.entries(poolioc.structs).find(([own]) => own === name)?.[1] ?? assert.fail(`no ${name}`);
    assert.equal(layout.size, Number(size));
    const expected = fields
      .trim()
      .split(' ')
      .map((pair) => pair.split('@'))
      .map(([of = '', offset]) => [camel(of), Number(offset)] as const);
    const actual = Object.entries(layout.fields).map(([of, { offset }]) => [of, offset] as const);
    assert.deepEqual(actual, expected);
  },
);

// Not \d+, which Cucumber would turn into a number, and so lose bits of.
When(/^([0-9]+) is written to bytes_sent of a pool_session_info$/, function (this: PoolWorld, value: string) {
  const written = new poolioc.structs.SessionInfo({ bytesSent: BigInt(value) });
  // A second look at the same memory: what was kept beside it does not count.
  field.set(this, new poolioc.structs.SessionInfo(written.ref()).bytesSent);
});

Then(/^reading it gives ([0-9]+)$/, function (this: PoolWorld, value: string) {
  assert.equal(field.get(this), BigInt(value));
});
