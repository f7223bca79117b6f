// All the checks, in the order in which a fault is cheapest to find, and a count of each at the end.
// `npm test -- unit features` runs only the named ones; `npm test -- quick` what is over in some minutes: no lint, no device,
// no package, and of the unit tests those of the library itself.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const scratch = mkdtempSync(join(tmpdir(), 'pool-ts-test-'));
const skips = join(scratch, 'skips');
const notes = join(scratch, 'notes');

/** Runs a program of node_modules with this Node. Shells and npm are left out: what runs is what is named. */
function node(file, args, env = {}) {
  const { status, signal } = spawnSync(process.execPath, [join(root, file), ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, POOL_TEST_SKIPS: skips, POOL_TEST_NOTES: notes, ...env },
  });
  return signal === null ? status : signal;
}

/** A tool that passes or fails as a whole counts as one. */
const check = (file, args) => () => {
  const status = node(file, args);
  return { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0 };
};

/** One project of vitest.config.ts; its own report says what was counted, its exit code what the report can't know. */
const vitest =
  (project, files = []) =>
  () => {
    const report = join(scratch, `${project}.json`);
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const status = node('node_modules/vitest/vitest.mjs', ['run', '--project', project, ...reporters, ...files]);
    const json = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : {};
    const {
      numPassedTests: passed = 0,
      numFailedTests = 0,
      numPendingTests: skipped = 0,
      numTodoTests: todo = 0,
    } = json;
    // A machine may lack what a whole project needs, and tells so; a project in which nothing was found has failed.
    const failed = numFailedTests > 0 || (status === 0 && passed + skipped > 0) ? numFailedTests : 1;
    return { passed, failed, skipped: skipped + todo };
  };

const features = () => {
  const report = join(scratch, 'features.json');
  const status = node('scripts/features.mjs', [], { POOL_FEATURES_REPORT: report });
  const counts = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : { passed: 0, failed: 0, skipped: 0 };
  return status === 0 || counts.failed > 0 ? counts : { ...counts, failed: 1 };
};

const all = {
  types: check('node_modules/typescript/bin/tsc', ['--noEmit', '-p', 'tsconfig.json']),
  lint: check('node_modules/eslint/bin/eslint.js', ['.']),
  format: check('node_modules/@biomejs/biome/bin/biome', ['format', '.']),
  unit: vitest('unit'),
  vectors: vitest('vectors'),
  contract: vitest('contract'),
  features,
  device: vitest('device'),
  package: vitest('package'),
};

const quick = {
  types: all.types,
  format: all.format,
  unit: vitest('unit', ['test/base', 'test/pool/', 'test/poolnode']),
  vectors: all.vectors,
  contract: all.contract,
  features: all.features,
};

const asked = process.argv.slice(2);
const chosen = asked.length === 1 && asked[0] === 'quick' ? quick : all;
const unknown = chosen === quick ? [] : asked.filter((name) => !(name in all));
if (unknown.length > 0) {
  console.error(`no such check: ${unknown.join(', ')}; there are quick, ${Object.keys(all).join(', ')}`);
  process.exit(2);
}

const results = [];
for (const [name, run] of Object.entries(chosen)) {
  if (chosen === all && asked.length > 0 && !asked.includes(name)) continue;
  console.log(`\n== ${name}`);
  const started = Date.now();
  results.push({ name, ...run(), seconds: ((Date.now() - started) / 1000).toFixed(1) });
}

/** The lines that tests left in a file, each once. */
const lines = (file) => (existsSync(file) ? [...new Set(readFileSync(file, 'utf8').split('\n').filter(Boolean))] : []);
const remarks = [...lines(notes), ...lines(skips)];
rmSync(scratch, { recursive: true, force: true });

console.log('\n== counts');
for (const { name, passed, failed, skipped, seconds } of results) {
  console.log(`${name.padEnd(9)} ${passed} passed, ${failed} failed, ${skipped} skipped (${seconds} s)`);
}
for (const remark of remarks) console.log(remark);
const sum = (key) => results.reduce((total, result) => total + result[key], 0);
console.log(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`);
process.exitCode = sum('failed') > 0 || sum('passed') === 0 ? 1 : 0;
