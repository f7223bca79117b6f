import assert from 'node:assert/strict';
import { Given, Then, When } from '@cucumber/cucumber';
import type { Conn } from 'pool-ts';
import type { PoolWorld } from '../support/world.js';

const loopback = { IPv4: '127.0.0.1', IPv6: '::1' } as const;
const greetings = new WeakMap<PoolWorld, string[]>();
const loops = new WeakMap<PoolWorld, { ended: Promise<number>; reached(count: number): Promise<void> }>();

/** Sends every message of a flow back to where it came from. */
async function echo(flow: Pick<Conn, 'readMessage' | 'writeMessage'>): Promise<void> {
  for (let message = await flow.readMessage(); message !== null; message = await flow.readMessage()) {
    await flow.writeMessage(message);
  }
}

/** Serves until the scenario is over; a connection that breaks is the scenario's business, not the server's. */
function serve(world: PoolWorld, handler: (conn: Conn) => Promise<unknown>): void {
  const served = world.listening.serve(
    async (conn) => {
      world.closeLater(conn);
      await handler(conn).catch(() => undefined);
    },
    { signal: world.over.signal, concurrency: 64 },
  );
  served.catch(() => undefined);
}

Given('a listener', async function (this: PoolWorld) {
  await this.listen();
});

Given('a connection', async function (this: PoolWorld) {
  await this.listen();
  await this.connect();
});

Given('an echo server', async function (this: PoolWorld) {
  await this.listen();
  serve(this, echo);
});

Given('an echo server on {word} loopback', async function (this: PoolWorld, family: 'IPv4' | 'IPv6') {
  await this.listen(loopback[family]);
  serve(this, echo);
});

Given(/^an echo server for channels? ([\d, and]+)$/, async function (this: PoolWorld, list: string) {
  await this.listen();
  serve(this, (conn) => {
    const opened = numbers(list).map(async (channel) => echo(await conn.openChannel(channel)));
    return Promise.all([echo(conn), ...opened]);
  });
});

Given('the server is waiting to accept', function (this: PoolWorld) {
  this.start(() => this.accept());
});

Given('the server loops over its connections', function (this: PoolWorld) {
  let count = 0;
  let wake = () => undefined as void;
  const loop = async () => {
    for await (const conn of this.listening) {
      this.closeLater(conn);
      count += 1;
      wake();
    }
    return count;
  };
  const reached = async (wanted: number) => {
    while (count < wanted) await new Promise<void>((resolve) => (wake = resolve));
  };
  loops.set(this, { ended: loop(), reached });
});

// Where a device accepts, a dial may be done before the program at the other end has its connection.
When('the loop has got {int} connection(s)', async function (this: PoolWorld, count: number) {
  await loops.get(this)?.reached(count);
});

Given('the server serves each connection by answering in capitals', function (this: PoolWorld) {
  serve(this, async (conn) => {
    const message = await conn.readMessage();
    await conn.writeMessage(
      Buffer.from(message ?? [])
        .toString()
        .toUpperCase(),
    );
  });
});

When('the server listens on port 0', async function (this: PoolWorld) {
  await this.listen();
});

When('the server accepts', async function (this: PoolWorld) {
  await this.accept();
});

When('the server closes its listener', async function (this: PoolWorld) {
  await this.listening.close();
});

When('the server tries to accept with a deadline {int} ms from now', async function (this: PoolWorld, ms: number) {
  this.listening.setDeadline(Date.now() + ms);
  await this.attempt(() => this.accept());
});

When('the server clears its accept deadline', function (this: PoolWorld) {
  this.listening.setDeadline(null);
});

When('{int} clients dial the server, each with its own greeting', async function (this: PoolWorld, count: number) {
  const own = Array.from({ length: count }, (_, index) => `greeting ${index}`);
  greetings.set(this, own);
  await Promise.all(own.map(async (greeting) => (await this.dialTarget()).writeMessage(greeting)));
});

Then(
  'the server accepts {int} connections and reads each greeting once',
  async function (this: PoolWorld, count: number) {
    const read: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const message = await (await this.accept()).readMessage();
      read.push(Buffer.from(message ?? []).toString());
    }
    assert.deepEqual(read.sort(), greetings.get(this));
  },
);

Then("the listener's port is not 0", function (this: PoolWorld) {
  assert(this.listening.addr.port > 0);
  assert.equal(this.listening.address()?.port, this.listening.addr.port);
});

Then("the listener's address ends in its port", function (this: PoolWorld) {
  const { addr } = this.listening;
  assert(addr.toString().endsWith(`:${addr.port}`), addr.toString());
});

Then('the server gets the connection', async function (this: PoolWorld) {
  const outcome = await this.waiting;
  assert(outcome && 'value' in outcome, 'accept failed');
  assert.equal(outcome.value, this.conn('server'));
});

Then('both ends show the same session id', function (this: PoolWorld) {
  assert.match(this.conn('client').id, /^[0-9a-f]{32}$/);
  assert.equal(this.conn('server').id, this.conn('client').id);
});

Then('the waiting accept fails with {word}', async function (this: PoolWorld, code: string) {
  this.outcome = await this.waiting;
  assert.equal(this.error.code, code);
});

Then('accepting again fails with {word}', async function (this: PoolWorld, code: string) {
  await this.attempt(() => this.listening.accept());
  assert.equal(this.error.code, code);
});

Then('the loop ends after {int} connection(s)', async function (this: PoolWorld, count: number) {
  assert.equal(await loops.get(this)?.ended, count);
});

/** "1, 2 and 255" as numbers. */
export function numbers(list: string): number[] {
  return list.split(/\D+/).filter(Boolean).map(Number);
}
