// Runs the features with cucumber-js and holds them to it: a scenario that is undefined, pending or skipped is a failure,
// and so is a run without scenarios. Arguments go on to cucumber-js; POOL_FEATURES_REPORT names a file for the counts.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const scratch = mkdtempSync(join(tmpdir(), 'pool-ts-features-'));
const messages = join(scratch, 'messages.ndjson');

const { status } = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules/@cucumber/cucumber/bin/cucumber.js'),
    '--format',
    `message:${messages}`,
    ...process.argv.slice(2),
  ],
  {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import tsx`.trim() },
  },
);

/** From worst to best: a scenario is as good as its worst step. */
const RANKS = ['FAILED', 'AMBIGUOUS', 'UNDEFINED', 'PENDING', 'SKIPPED', 'UNKNOWN', 'PASSED'];
const scenarios = new Map();
let text = '';
try {
  text = readFileSync(messages, 'utf8');
} catch {
  // cucumber-js never came to write: no scenarios, which is a failure below
}
for (const line of text.split('\n').filter(Boolean)) {
  const { testCaseStarted, testStepFinished } = JSON.parse(line);
  if (testCaseStarted) scenarios.set(testCaseStarted.id, []);
  if (testStepFinished) scenarios.get(testStepFinished.testCaseStartedId).push(testStepFinished.testStepResult.status);
}
rmSync(scratch, { recursive: true, force: true });

const worst = (statuses) => RANKS.find((rank) => statuses.includes(rank)) ?? 'UNDEFINED';
const results = [...scenarios.values()].map(worst);
const passed = results.filter((result) => result === 'PASSED').length;
const skipped = results.filter((result) => result === 'SKIPPED').length;
const failed = results.length - passed - skipped;
console.log(`features: ${passed} passed, ${failed} failed, ${skipped} skipped`);
if (process.env.POOL_FEATURES_REPORT) {
  writeFileSync(process.env.POOL_FEATURES_REPORT, JSON.stringify({ passed, failed, skipped }));
}
if (status !== 0 || passed === 0 || failed > 0 || skipped > 0) process.exitCode = 1;
