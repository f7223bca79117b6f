import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { type DataTable, Then, When } from '@cucumber/cucumber';
import type { SessionInfo, SessionState, Telemetry } from 'pool-ts';
import { timeFactor } from '../support/expectations.js';
import type { PoolWorld } from '../support/world.js';

/** The module sends a HEARTBEAT every 5 s; two of them, and some time for a busy machine. */
const HEARTBEAT_WAIT_MS = 12_000 * timeFactor();

const asked = new WeakMap<PoolWorld, { telemetry?: Telemetry; info?: SessionInfo; state?: SessionState }>();

function answer<K extends 'telemetry' | 'info' | 'state'>(world: PoolWorld, what: K) {
  const value = asked.get(world)?.[what];
  assert(value !== undefined, `the scenario did not ask for ${what}`);
  return value;
}

When('the client asks for telemetry', async function (this: PoolWorld) {
  asked.set(this, { telemetry: await this.conn('client').telemetry() });
});

When("the client asks for the session's state", async function (this: PoolWorld) {
  asked.set(this, { state: await this.conn('client').sessionState() });
});

When("the client asks for the session's information", async function (this: PoolWorld) {
  asked.set(this, { info: await this.conn('client').info() });
});

When("the client has waited for a heartbeat's answer", async function (this: PoolWorld) {
  const until = Date.now() + HEARTBEAT_WAIT_MS;
  let telemetry = await this.conn('client').telemetry();
  // The node says null before the first answer, the module 0, or what it took the handshake's packets for. Its uptime is 0
  // before the first heartbeat (kernel contract, section 3).
  while (((telemetry.rttNs ?? 0n) === 0n || telemetry.uptimeNs === 0n) && Date.now() < until) {
    await delay(100);
    telemetry = await this.conn('client').telemetry();
  }
  asked.set(this, { telemetry });
});

Then('the telemetry holds a number for each of:', function (this: PoolWorld, table: DataTable) {
  const telemetry = answer(this, 'telemetry');
  for (const [name] of table.raw()) {
    const value = telemetry[name as keyof Telemetry];
    assert(typeof value === 'number' && value >= 0, `${name} is a ${typeof value}, or below 0`);
  }
});

Then('the round trip is known, or told to be unknown', function (this: PoolWorld) {
  const { rttNs, rttUs, jitterNs, jitterUs } = answer(this, 'telemetry');
  const unknown = rttNs === null;
  for (const value of [rttUs, jitterNs, jitterUs]) assert.equal(value === null, unknown, String(value));
  // The node says null before the first heartbeat's answer, and never 0; the module says 0.
  if (this.conn('client').backend === 'user') assert.notEqual(rttNs, 0n);
});

Then("the telemetry's microseconds are its nanoseconds, divided", function (this: PoolWorld) {
  const { rttNs, rttUs, jitterNs, jitterUs } = answer(this, 'telemetry');
  assert(Math.abs(Number(rttNs) / 1000 - Number(rttUs)) < 1);
  assert(Math.abs(Number(jitterNs) / 1000 - Number(jitterUs)) < 1);
});

Then('the path MTU is between {int} and {int}', function (this: PoolWorld, least: number, most: number) {
  const { mtuCurrent } = answer(this, 'telemetry');
  assert(mtuCurrent >= least && mtuCurrent <= most, String(mtuCurrent));
});

Then('the round trip is longer than 0 and shorter than 5 s', function (this: PoolWorld) {
  const { rttNs } = answer(this, 'telemetry');
  assert(rttNs !== null && rttNs > 0n && rttNs < 5_000_000_000n, `${rttNs} ns`);
});

Then('the uptime has grown', function (this: PoolWorld) {
  assert(answer(this, 'telemetry').uptimeNs > 0n);
});

Then('the state is {string}', function (this: PoolWorld, state: string) {
  assert.equal(answer(this, 'state'), state);
});

Then('the information shows the session id and the slot of the connection', function (this: PoolWorld) {
  const { sessionId, index } = answer(this, 'info');
  assert.equal(sessionId, this.conn('client').id);
  assert.equal(index, this.conn('client').sessionIndex);
});

Then('the information counts at least {int} bytes sent', function (this: PoolWorld, bytes: number) {
  assert(answer(this, 'info').bytesSent >= BigInt(bytes));
});

Then('the information shows the state {string}', function (this: PoolWorld, state: string) {
  assert.equal(answer(this, 'info').state, state);
});
