import assert from 'node:assert/strict';
import { Then, When } from '@cucumber/cucumber';
import { endOf } from '../support/expectations.js';
import { startProgram } from '../support/program.js';
import type { PoolWorld } from '../support/world.js';

interface Report {
  /** Of the connections. */
  backends: string[];
  /** What `pool.backend.select` carried. */
  choices: { backend: string; device: string; reason: string }[];
  /** Codes of the process's warnings. */
  warnings: string[];
  stderr: string;
}

const DEVICE = '/nonexistent/pool';
const reports = new WeakMap<PoolWorld, Report>();
const report = (world: PoolWorld): Report => reports.get(world) ?? assert.fail('no program was run');

When(
  'a program without a device dials twice with the backend {string}',
  async function (this: PoolWorld, backend: string) {
    const program = startProgram('backend-report', [], { POOL_BACKEND: backend, POOL_DEVICE: DEVICE });
    this.later(() => program.kill('SIGKILL'));
    const told = JSON.parse(await program.line()) as Omit<Report, 'stderr'>;
    const { stderr } = await program.ended;
    reports.set(this, { ...told, stderr });
  },
);

Then("the client's backend is the one that the environment asks for", function (this: PoolWorld) {
  assert.equal(this.conn('client').backend, endOf('client').ground === 'user' ? 'user' : 'kernel');
});

Then('both its connections use the backend {string}', function (this: PoolWorld, backend: string) {
  assert.deepEqual(report(this).backends, [backend, backend]);
});

/** The listener chose as well as the two dials. */
function chose(world: PoolWorld, backend: string, reason: RegExp): void {
  const { choices } = report(world);
  assert.equal(choices.length, 3);
  for (const choice of choices) {
    assert.deepEqual([choice.backend, choice.device], [backend, DEVICE]);
    assert.match(choice.reason, reason);
  }
}

Then('each choice was published as {string}, for want of the device', function (this: PoolWorld, backend: string) {
  chose(this, backend, new RegExp(`^${DEVICE} does not exist`));
});

Then('each choice was published as {string}, because it was asked for', function (this: PoolWorld, backend: string) {
  chose(this, backend, /was asked for$/);
});

Then('it printed no warning', function (this: PoolWorld) {
  assert.deepEqual(report(this).warnings, []);
  assert.equal(report(this).stderr, '');
});
