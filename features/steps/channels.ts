import assert from 'node:assert/strict';
import { Then, When } from '@cucumber/cucumber';
import type { PoolWorld, Side } from '../support/world.js';
import { numbers } from './listen.js';

When(/^the (client|server) opens channels? ([\d, and]+)$/, async function (this: PoolWorld, side: Side, list: string) {
  for (const number of numbers(list)) {
    this.channels.set(`${side} ${number}`, await this.conn(side).openChannel(number));
  }
});

When('the {side} tries to open channel {}', async function (this: PoolWorld, side: Side, json: string) {
  await this.attempt(() => this.conn(side).openChannel(JSON.parse(json) as number));
});

When('the {side} closes channel {int}', async function (this: PoolWorld, side: Side, channel: number) {
  await this.channel(side, channel).close();
});

When('the {side} tries to write on channel {int}', async function (this: PoolWorld, side: Side, channel: number) {
  await this.attempt(() => this.channel(side, channel).writeMessage('too late'));
});

When('the {side} tries to read from channel {int}', async function (this: PoolWorld, side: Side, channel: number) {
  await this.attempt(() => this.channel(side, channel).readMessage());
});

Then('opening channel {int} again gives the same channel', async function (this: PoolWorld, channel: number) {
  assert.equal(await this.conn('client').openChannel(channel), this.channel('client', channel));
  assert.equal(this.channel('client', channel).channel, channel);
});
