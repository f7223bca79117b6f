import assert from 'node:assert/strict';
import { Given, Then, When } from '@cucumber/cucumber';
import type { PoolWorld, Side } from '../support/world.js';
import { abortAfter } from './dial.js';

/** Messages that a writer got rid of before its deadline. */
const accepted = new WeakMap<PoolWorld, number>();
const MESSAGE_BYTES = 65_000;

const when = (ms: number, relation: string): number => Date.now() + (relation === 'ago' ? -ms : ms);

Given('the {side} is waiting for a message', function (this: PoolWorld, side: Side) {
  const conn = this.conn(side);
  this.start(() => conn.readMessage());
});

Given('a connection to a peer that does not read', async function (this: PoolWorld) {
  // The node of pool-ts stops reading its socket when its queue is full; a module's queue has no bound.
  await this.listen('127.0.0.1', { backend: 'user', readQueueBytes: 64 * 1024 });
  await this.connect();
});

When(
  /^the (client|server) tries to (read|write) with a deadline (\d+) ms (from now|ago)$/,
  async function (this: PoolWorld, side: Side, direction: string, ms: string, relation: string) {
    const conn = this.conn(side);
    if (direction === 'read') {
      conn.setReadDeadline(when(Number(ms), relation));
      await this.attempt(() => conn.readMessage());
    } else {
      conn.setWriteDeadline(when(Number(ms), relation));
      await this.attempt(() => conn.writeMessage('too late'));
    }
  },
);

When(
  'the {side} tries to read from channel {int} with a deadline {int} ms from now',
  async function (this: PoolWorld, side: Side, channel: number, ms: number) {
    const flow = this.channel(side, channel);
    flow.setReadDeadline(Date.now() + ms);
    await this.attempt(() => flow.readMessage());
  },
);

When('the {side} sets its read deadline {int} ms from now', function (this: PoolWorld, side: Side, ms: number) {
  this.conn(side).setReadDeadline(Date.now() + ms);
});

When('the {side} clears its deadlines', function (this: PoolWorld, side: Side) {
  this.conn(side).setDeadline(null);
});

When('the {side} tries to read and gives up after {int} ms', async function (this: PoolWorld, side: Side, ms: number) {
  await this.attempt(() => this.conn(side).readMessage({ signal: abortAfter(ms) }));
});

When('the client keeps writing with a write deadline {int} ms from now', async function (this: PoolWorld, ms: number) {
  const conn = this.conn('client');
  conn.setWriteDeadline(Date.now() + ms);
  let count = 0;
  await this.attempt(async () => {
    for (;;) {
      await conn.writeMessage(Buffer.alloc(MESSAGE_BYTES, count));
      count += 1;
    }
  });
  accepted.set(this, count);
  conn.setWriteDeadline(null);
});

Then('the peer receives exactly the messages that were written', async function (this: PoolWorld) {
  // Nobody has read yet, so that this one waits for room as well.
  const lastWrite = this.conn('client').writeMessage('the last one');
  const count = accepted.get(this) ?? 0;
  assert(count > 0, 'nothing was written before the deadline');
  for (let index = 0; index < count; index += 1) {
    const message = await this.conn('server').readMessage();
    assert.equal(message?.length, MESSAGE_BYTES);
    assert.equal(message[0], index & 0xff);
  }
  const last = await this.conn('server').readMessage();
  assert.equal(Buffer.from(last ?? []).toString(), 'the last one');
  await lastWrite;
});

Then('the waiting read fails with {word}', async function (this: PoolWorld, code: string) {
  this.outcome = await this.waiting;
  assert.equal(this.error.code, code);
});

Then('the waiting read tells the end', async function (this: PoolWorld) {
  assert.deepEqual(await this.waiting, { value: null });
});
