import assert from 'node:assert/strict';
import { Then, When } from '@cucumber/cucumber';
import { endOf } from '../support/expectations.js';
import { startProgram } from '../support/program.js';
import type { PoolWorld } from '../support/world.js';

interface Report {
  backends: string[];
  warnings: string[];
}

const reports = new WeakMap<PoolWorld, Report>();
const report = (world: PoolWorld): Report => reports.get(world) ?? assert.fail('no program was run');

When(
  'a program without a device dials twice with the backend {string}',
  async function (this: PoolWorld, backend: string) {
    const program = startProgram('backend-report', [], { POOL_BACKEND: backend, POOL_DEVICE: '/nonexistent/pool' });
    this.later(() => program.kill('SIGKILL'));
    reports.set(this, JSON.parse(await program.line()) as Report);
  },
);

Then("the client's backend is the one that the environment asks for", function (this: PoolWorld) {
  assert.equal(this.conn('client').backend, endOf('client').ground === 'user' ? 'user' : 'kernel');
});

Then('both its connections use the backend {string}', function (this: PoolWorld, backend: string) {
  assert.deepEqual(report(this).backends, [backend, backend]);
});

Then('it was warned once, with the code {word}', function (this: PoolWorld, code: string) {
  assert.deepEqual(report(this).warnings, [code]);
});

Then('it was not warned', function (this: PoolWorld) {
  assert.deepEqual(report(this).warnings, []);
});
