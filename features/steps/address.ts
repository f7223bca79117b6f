import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { Then, When } from '@cucumber/cucumber';
import { Addr } from 'pool-ts';
import { type PoolWorld, type Side, written } from '../support/world.js';

const parsed = new WeakMap<PoolWorld, Addr>();

const isUnspecified = (addr: Addr): boolean => addr.address === '::' || addr.address === '0.0.0.0';

When('the address {string} is parsed', function (this: PoolWorld, text: string) {
  parsed.set(this, Addr.parse(text));
});

Then(
  'its host is {string}, its port {int} and its family {word}',
  function (this: PoolWorld, host: string, port: number, family: string) {
    const addr = parsed.get(this);
    assert.deepEqual([addr?.address, addr?.port, addr?.family], [host, port, family]);
  },
);

Then('it is written {string}', function (this: PoolWorld, text: string) {
  assert.equal(String(parsed.get(this)), text);
});

Then("the {side}'s remote address is {string}", function (this: PoolWorld, side: Side, text: string) {
  assert.equal(written(this.conn(side).remoteAddr), this.withPort(text));
});

Then("the client's remote address is the listener's", function (this: PoolWorld) {
  assert(this.target);
  const { remoteAddr } = this.conn('client');
  assert.deepEqual([remoteAddr.address, remoteAddr.port], [this.target.host, this.listening.addr.port]);
});

Then("the client's local address is one of this machine", function (this: PoolWorld) {
  const { localAddr } = this.conn('client');
  if (this.expects('client').localAddress === 'may be unknown' && isUnspecified(localAddr)) return;
  const own = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
  assert(own.includes(localAddr.address), `${localAddr.address} is none of ${own.join(', ')}`);
  assert(localAddr.port > 0);
});

Then("the server's remote address is the client's local address", function (this: PoolWorld) {
  const { remoteAddr } = this.conn('server');
  if (this.expects('server').acceptedRemote === 'may be unknown' && isUnspecified(remoteAddr)) {
    assert.equal(remoteAddr.port, 0);
    return;
  }
  const { localAddr } = this.conn('client');
  if (this.expects('client').localAddress === 'may be unknown' && isUnspecified(localAddr)) {
    assert.equal(remoteAddr.address, this.target?.host);
    return;
  }
  assert.equal(written(remoteAddr), written(localAddr));
});

Then('both ends name the network {string}', function (this: PoolWorld, network: string) {
  for (const side of ['client', 'server'] as const) {
    assert.equal(this.conn(side).localAddr.network, network);
    assert.equal(this.conn(side).remoteAddr.network, network);
  }
});

Then("the {side}'s address properties agree with its addresses", function (this: PoolWorld, side: Side) {
  const conn = this.conn(side);
  assert.deepEqual([conn.localAddress, conn.localPort, conn.localFamily], parts(conn.localAddr));
  assert.deepEqual([conn.remoteAddress, conn.remotePort, conn.remoteFamily], parts(conn.remoteAddr));
});

const parts = ({ address, port, family }: Addr) => [address, port, family];
