import assert from 'node:assert/strict';
import { Given, Then, When } from '@cucumber/cucumber';
import { type Addr, type Network, resolve } from 'pool-ts';
import { faultyPeer } from '../support/faulty-peer.js';
import type { PoolWorld } from '../support/world.js';

Given('a peer that {}', async function (this: PoolWorld, fault: string) {
  const peer = await faultyPeer(fault);
  this.target = { host: '127.0.0.1', port: peer.port };
  this.later(peer.close);
});

When('the client dials the server', async function (this: PoolWorld) {
  await this.dialTarget();
});

When('the client dials the server with a timeout of {int} ms', async function (this: PoolWorld, timeout: number) {
  await this.dialTarget({ timeout });
});

When('the client dials {string}', async function (this: PoolWorld, address: string) {
  await this.dial(this.withPort(address));
});

When('the client dials {string} over {string}', async function (this: PoolWorld, address: string, network: Network) {
  await this.dial(this.withPort(address), { network });
});

When("the client dials host {string} and the server's port", async function (this: PoolWorld, host: string) {
  await this.dial({ host, port: this.listening.addr.port });
});

When('the client tries to dial {string}', async function (this: PoolWorld, address: string) {
  await this.attempt(() => this.dial(address));
});

When(
  'the client tries to dial {string} over {string}',
  async function (this: PoolWorld, address: string, network: Network) {
    await this.attempt(() => this.dial(address, { network }));
  },
);

When('the client tries to dial it', async function (this: PoolWorld) {
  await this.attempt(() => this.dialTarget());
});

When('the client tries to dial it with a timeout of {int} ms', async function (this: PoolWorld, timeout: number) {
  await this.attempt(() => this.dialTarget({ timeout }));
});

When('the client tries to dial it and gives up after {int} ms', async function (this: PoolWorld, ms: number) {
  await this.attempt(() => this.dialTarget({ signal: AbortSignal.any([this.over.signal, abortAfter(ms)]) }));
});

When(
  'the client tries to dial {string} with {word} set to {}',
  async function (this: PoolWorld, address: string, option: string, value: string) {
    await this.attempt(() => this.dial(address, { [option]: JSON.parse(value) as unknown }));
  },
);

When('the client resolves {string} over {string}', async function (this: PoolWorld, address: string, network: Network) {
  await this.attempt(() => resolve(address, { network }));
});

Then('it gets the address {string} of family {word}', function (this: PoolWorld, text: string, family: string) {
  assert(this.outcome && 'value' in this.outcome, 'the address was not resolved');
  const addr = this.outcome.value as Addr;
  assert.equal(addr.toString(), text);
  assert.equal(addr.family, family);
});

/** Like a program that has changed its mind: an AbortError, where AbortSignal.timeout would give a TimeoutError. */
export function abortAfter(ms: number): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), ms);
  return controller.signal;
}
