import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { Given, Then, When } from '@cucumber/cucumber';
import { listen, PoolError } from 'pool-ts';
import { Device } from 'pool-ts/poolioc';
import { endOf, EXPECTATIONS, type Ground } from '../support/expectations.js';
import { startProgram } from '../support/program.js';
import type { PoolWorld } from '../support/world.js';

const reports = new WeakMap<PoolWorld, { dialled: number; code: string; free: number }>();

/** A TCP server of no protocol, to hold a port, or to learn one that is free. */
async function holdPort(): Promise<{ port: number; release: () => Promise<void> }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  return { port, release: () => new Promise((resolve) => server.close(() => resolve())) };
}

Given('a port where nobody listens', async function (this: PoolWorld) {
  const { port, release } = await holdPort();
  await release();
  this.target = { host: '127.0.0.1', port };
});

Given('a port that another program listens on', async function (this: PoolWorld) {
  const { port, release } = await holdPort();
  this.later(release);
  this.target = { host: '127.0.0.1', port };
});

When('the server tries to listen there', async function (this: PoolWorld) {
  const { backend, device } = endOf('server');
  await this.attempt(async () => {
    const listener = await listen({ host: '', port: this.target?.port ?? 0 }, { backend, device });
    this.later(() => listener.close());
    return listener;
  });
});

When('a program dials the server until its session table is full', async function (this: PoolWorld) {
  const { backend, device, ground } = endOf('client');
  const slots = EXPECTATIONS[ground].tableSlots;
  const free = slots - (await taken(ground, device));
  const program = startProgram('table-filler', [String(this.listening.addr.port), String(slots + 1)], {
    POOL_BACKEND: backend,
    POOL_DEVICE: device,
    POOL_MAX_SESSIONS: String(slots),
  });
  const { port } = this.listening.addr;
  this.later(async () => {
    await program.kill('SIGKILL');
    // What a busy machine gave it no time to close would leave the next scenarios no slot.
    if (ground === 'device' || ground === 'strict') await closeDialled(device, port);
  });
  const report = JSON.parse(await program.line()) as { dialled: number; code: string };
  reports.set(this, { ...report, free });
});

/** Closes the sessions of a served device that dialled the port. */
async function closeDialled(path: string, port: number): Promise<void> {
  const device = await Device.open(path);
  try {
    const left = (await device.sessions()).filter(({ peerPort }) => peerPort === port);
    await Promise.all(left.map(({ index }) => device.closeSession(index)));
  } finally {
    await device.close();
  }
}

/** Slots that the module has lost to sessions of earlier scenarios (kernel contract, hazard 2). */
async function taken(ground: Ground, path: string): Promise<number> {
  if (ground !== 'module') return 0;
  const device = await Device.open(path);
  try {
    return (await device.sessions()).length;
  } finally {
    await device.close();
  }
}

Then('that program saw {word}', function (this: PoolWorld, code: string) {
  assert.equal(reports.get(this)?.code, code);
});

Then('it had filled every slot it could have', function (this: PoolWorld) {
  const { dialled, free } = reports.get(this) ?? assert.fail('no program dialled');
  // With both ends in one device's table, each session takes two of its slots.
  const both = endOf('client').ground !== 'user' && endOf('server').ground !== 'user';
  assert.equal(dialled, both ? Math.floor(free / 2) : free);
});

Then('it fails with {word}', function (this: PoolWorld, failure: string) {
  const { error } = this;
  assert(
    [error.code, error.name].includes(failure),
    `expected ${failure}, got ${error.code ?? error.name}: ${error.message}`,
  );
});

Then('it fails with {word}, if the backend checks it', function (this: PoolWorld, code: string) {
  if (this.expects('client').handshakeChecks === 'some') {
    if (this.outcome && 'value' in this.outcome) return;
    if (this.error.code === 'ERR_POOL_TIMEOUT') return;
  }
  assert.equal(this.error.code, code, this.error.message);
});

Then('the error counts as a timeout', function (this: PoolWorld) {
  const { error } = this;
  assert(error instanceof PoolError);
  assert.equal(error.timeout, true);
});

Then('the error is a PoolError', function (this: PoolWorld) {
  assert(this.error instanceof PoolError);
  assert.equal(this.error.name, 'PoolError');
});

Then('the error names the address that was dialled', function (this: PoolWorld) {
  const { error } = this;
  assert(error instanceof PoolError && this.target);
  assert.deepEqual([error.address, error.port], [this.target.host, this.target.port]);
  assert(error.message.includes(`${this.target.host}:${this.target.port}`), error.message);
});

Then("the error's message shows {string}", function (this: PoolWorld, text: string) {
  assert(this.error.message.includes(text), this.error.message);
});

Then("the error's message shows its port", function (this: PoolWorld) {
  assert(this.error.message.includes(String(this.target?.port)), this.error.message);
});
