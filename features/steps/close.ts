import assert from 'node:assert/strict';
import { type DataTable, Given, Then, When } from '@cucumber/cucumber';
import type { Conn } from 'pool-ts';
import { startProgram, type Program } from '../support/program.js';
import type { PoolWorld, Side } from '../support/world.js';

const programs = new WeakMap<PoolWorld, Program>();
const loops = new WeakMap<PoolWorld, { seen: string[]; ended: Promise<void>; reached(count: number): Promise<void> }>();

const bytes = new Uint8Array([1]);
const uses: Readonly<Record<string, (conn: Conn) => Promise<unknown>>> = {
  'read bytes': (conn) => conn.read(new Uint8Array(8)),
  'read a message': (conn) => conn.readMessage(),
  'read all messages': (conn) => conn.readMessages(),
  'write bytes': (conn) => conn.write(bytes),
  'write a message': (conn) => conn.writeMessage(bytes),
  'write several messages': (conn) => conn.writeMessages([bytes, bytes]),
  'open a channel': (conn) => conn.openChannel(5),
  'ask for telemetry': (conn) => conn.telemetry(),
};

for (const [use, operation] of Object.entries(uses)) {
  When(`the {side} tries to ${use}`, async function (this: PoolWorld, side: Side) {
    await this.attempt(() => operation(this.conn(side)));
  });
}

Given('a connection to another program', async function (this: PoolWorld) {
  const program = startProgram('listening-peer', []);
  programs.set(this, program);
  this.later(() => program.kill('SIGKILL'));
  this.target = { host: '127.0.0.1', port: Number(await program.line()) };
  await this.dialTarget();
});

Given('the {side} loops over its messages', function (this: PoolWorld, side: Side) {
  const seen: string[] = [];
  let wake = () => undefined as void;
  const loop = async () => {
    for await (const message of this.conn(side)) {
      seen.push(Buffer.from(message).toString());
      wake();
    }
  };
  const reached = async (count: number) => {
    while (seen.length < count) await new Promise<void>((resolve) => (wake = resolve));
  };
  loops.set(this, { seen, ended: loop(), reached });
});

When('the {side} closes', async function (this: PoolWorld, side: Side) {
  await this.conn(side).close();
});

When('that program is killed', async function (this: PoolWorld) {
  await programs.get(this)?.kill('SIGKILL');
});

When("the client's loop has seen {int} messages", async function (this: PoolWorld, count: number) {
  await loops.get(this)?.reached(count);
});

Then('the loop ends after the messages:', async function (this: PoolWorld, table: DataTable) {
  const loop = loops.get(this);
  await loop?.ended;
  assert.deepEqual(
    loop?.seen,
    table.raw().map(([text]) => text),
  );
});

Then('the {side} reads the end', async function (this: PoolWorld, side: Side) {
  assert.equal(await this.conn(side).readMessage(), null);
});

Then('the {side} reads the end, again and again', async function (this: PoolWorld, side: Side) {
  for (let again = 0; again < 3; again += 1) assert.equal(await this.conn(side).readMessage(), null);
});

Then('the client reads {string}, if the backend keeps what was queued', async function (this: PoolWorld, text: string) {
  const message = await this.conn('client').readMessage();
  if (message === null) assert.equal(this.expects('client').queuedAtClose, 'may be lost');
  else assert.equal(Buffer.from(message).toString(), text);
});

Then("the {side}'s connection was closed by {string}", async function (this: PoolWorld, side: Side, by: string) {
  const end = await this.conn(side).closed;
  assert.equal(end.by, by);
  assert.equal(end.error !== undefined, by === 'error');
});

Then("the {side}'s state is {string}", function (this: PoolWorld, side: Side, state: string) {
  assert.equal(this.conn(side).state, state);
});
