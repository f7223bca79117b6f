import assert from 'node:assert/strict';
import { Then, When } from '@cucumber/cucumber';
import type { Conn } from 'pool-ts';
import type { PoolWorld } from '../support/world.js';

/** What was sent and what was read, one pair for each direction. */
const traffic = new WeakMap<PoolWorld, { sent: string[]; read: string[] }[]>();
const order = new WeakMap<PoolWorld, Promise<string>[]>();

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** `writers` write and `readers` read at the same time, until everything that was sent has been read. */
async function exchange(from: Conn, to: Conn, writers: number, each: number, readers: number) {
  const sent: string[] = [];
  const read: string[] = [];
  const write = async (writer: number) => {
    for (const index of range(each)) {
      const text = `writer ${writer}, message ${index}`;
      sent.push(text);
      await from.writeMessage(text);
    }
  };
  let due = writers * each;
  const receive = async () => {
    while (due > 0) {
      due -= 1;
      const message = await to.readMessage();
      assert(message !== null, 'the connection ended');
      read.push(Buffer.from(message).toString());
    }
  };
  await Promise.all([...range(writers).map(write), ...range(readers).map(receive)]);
  return { sent, read };
}

When(
  '{int} writers on the client write {int} messages each, while {int} readers on the server read',
  async function (this: PoolWorld, writers: number, each: number, readers: number) {
    traffic.set(this, [await exchange(this.conn('client'), this.conn('server'), writers, each, readers)]);
  },
);

When(
  '{int} writers on each side write {int} messages each, while {int} readers on each side read',
  async function (this: PoolWorld, writers: number, each: number, readers: number) {
    const [client, server] = [this.conn('client'), this.conn('server')];
    const directions = [
      exchange(client, server, writers, each, readers),
      exchange(server, client, writers, each, readers),
    ];
    traffic.set(this, await Promise.all(directions));
  },
);

When(
  '{int} clients dial the server at once and each sends {int} messages',
  async function (this: PoolWorld, count: number, each: number) {
    const converse = async (client: number) => {
      const conn = await this.dialTarget();
      const sent = range(each).map((index) => `client ${client}, message ${index}`);
      const read: string[] = [];
      await Promise.all([
        conn.writeMessages(sent.map((text) => Buffer.from(text))),
        (async () => {
          while (read.length < each) read.push(Buffer.from((await conn.readMessage()) ?? []).toString());
        })(),
      ]);
      return { sent, read };
    };
    traffic.set(this, await Promise.all(range(count).map(converse)));
  },
);

When('the client starts {int} reads', function (this: PoolWorld, count: number) {
  const conn = this.conn('client');
  order.set(
    this,
    range(count).map(async () => Buffer.from((await conn.readMessage()) ?? []).toString()),
  );
});

Then('every message was read exactly once', function (this: PoolWorld) {
  for (const { sent, read } of traffic.get(this) ?? assert.fail('nothing was exchanged')) {
    assert(sent.length > 0);
    assert.deepEqual(read.toSorted(), sent.toSorted());
  }
});

Then('every client got exactly its own messages back, in order', function (this: PoolWorld) {
  for (const { sent, read } of traffic.get(this) ?? assert.fail('nothing was exchanged')) assert.deepEqual(read, sent);
});

Then('the reads settle in the order in which they were started', async function (this: PoolWorld) {
  const reads = order.get(this) ?? [];
  const texts = await Promise.all(reads);
  assert.deepEqual(
    texts,
    range(reads.length).map((index) => String(index + 1)),
  );
});
