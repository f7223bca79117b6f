import assert from 'node:assert/strict';
import { type DataTable, Then, When } from '@cucumber/cucumber';
import type { Flow } from 'pool-ts';
import { randomBytes } from '../support/random.js';
import type { PoolWorld, Side } from '../support/world.js';

async function readText(flow: Flow): Promise<string | null> {
  const message = await flow.readMessage();
  return message === null ? null : Buffer.from(message).toString();
}

const column = (table: DataTable): string[] => table.raw().map(([text]) => text ?? '');

When('the {side} writes {string}', async function (this: PoolWorld, side: Side, text: string) {
  await this.conn(side).writeMessage(text);
});

When(
  'the {side} writes {string} on channel {int}',
  async function (this: PoolWorld, side: Side, text: string, channel: number) {
    await this.channel(side, channel).writeMessage(text);
  },
);

When('the {side} writes the messages:', async function (this: PoolWorld, side: Side, table: DataTable) {
  await this.conn(side).writeMessages(column(table).map((text) => Buffer.from(text)));
});

When('the {side} writes a message of {int} bytes', async function (this: PoolWorld, side: Side, size: number) {
  this.written = randomBytes(size);
  await this.conn(side).writeMessage(this.written);
});

When('the {side} writes a message of its largest size', async function (this: PoolWorld, side: Side) {
  assert.equal(this.conn(side).maxMessageSize, this.expects(side).largestMessage);
  this.written = randomBytes(this.conn(side).maxMessageSize);
  await this.conn(side).writeMessage(this.written);
});

When('the {side} writes {int} bytes at once', async function (this: PoolWorld, side: Side, size: number) {
  this.written = randomBytes(size);
  assert.equal(await this.conn(side).write(this.written), size);
});

When(
  'the {side} tries to write a message one byte over its largest size',
  async function (this: PoolWorld, side: Side) {
    const conn = this.conn(side);
    await this.attempt(() => conn.writeMessage(new Uint8Array(conn.maxMessageSize + 1)));
  },
);

When('the {side} tries to write an empty message', async function (this: PoolWorld, side: Side) {
  await this.attempt(() => this.conn(side).writeMessage(new Uint8Array(0)));
});

When('the {side} tries to write the value {}', async function (this: PoolWorld, side: Side, json: string) {
  await this.attempt(() => this.conn(side).write(JSON.parse(json) as Uint8Array));
});

Then('the {side} reads {string}', async function (this: PoolWorld, side: Side, text: string) {
  assert.equal(await readText(this.conn(side)), text);
});

Then(
  'the {side} reads {string} from channel {int}',
  async function (this: PoolWorld, side: Side, text: string, channel: number) {
    assert.equal(await readText(this.channel(side, channel)), text);
  },
);

Then(
  'the {side} reads {string} into {int} bytes',
  async function (this: PoolWorld, side: Side, text: string, size: number) {
    const buffer = Buffer.alloc(size);
    const read = await this.conn(side).read(buffer);
    assert.equal(buffer.subarray(0, read ?? 0).toString(), text);
  },
);

Then('the {side} reads the messages:', async function (this: PoolWorld, side: Side, table: DataTable) {
  for (const text of column(table)) assert.equal(await readText(this.conn(side)), text);
});

Then('the {side} reads that message', async function (this: PoolWorld, side: Side) {
  const message = await this.conn(side).readMessage();
  assert(message !== null, 'the connection ended instead');
  assert.equal(message.length, this.written.length);
  assert(Buffer.from(message).equals(this.written), 'the bytes differ');
});

Then('the {side} reads the same {int} bytes', async function (this: PoolWorld, side: Side, size: number) {
  const received = Buffer.alloc(size);
  for (let at = 0; at < size; ) {
    const read = await this.conn(side).read(received.subarray(at));
    assert(read !== null, `the connection ended after ${at} bytes`);
    at += read;
  }
  assert(received.equals(this.written), 'the bytes differ');
});

When('the client has written {int} bytes and the server has read them', async function (this: PoolWorld, size: number) {
  await this.conn('client').writeMessage(new Uint8Array(size));
  const message = await this.conn('server').readMessage();
  assert.equal(message?.length, size);
});

Then('the client has written {int} bytes in all', function (this: PoolWorld, size: number) {
  assert.equal(this.conn('client').bytesWritten, size);
});

Then('the server has read {int} bytes in all', function (this: PoolWorld, size: number) {
  assert.equal(this.conn('server').bytesRead, size);
});
