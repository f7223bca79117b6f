// Plants faults, one at a time, and tells whether the tests see them: `npm run mutants`, or `npm run mutants -- WORD…` for
// those whose names have one of the words in them. A fault is a unified diff in test/mutants, with a header of lines:
//
//   # what: what is wrong with it, in a sentence
//   # tests: files of tests that must turn red, separated by blanks
//
// The tree is copied, so that nothing here changes. It ends with 1 where a fault survives, or a diff doesn't apply any more.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, 'test/mutants');
const words = process.argv.slice(2);
/** ms for the tests of a fault. */
const MOST_MS = 300_000;
const mutants = readdirSync(folder)
  .filter((file) => file.endsWith('.patch'))
  .map((file) => file.replace(/\.patch$/, ''))
  .filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
  .map(read);
if (mutants.length === 0) {
  console.error(`mutants: there is none whose name has ${words.join(' or ')} in it`);
  process.exit(1);
}

/** A fault with its header. */
function read(name) {
  const file = join(folder, `${name}.patch`);
  const header = (key) => new RegExp(`^# ${key}: (.+)$`, 'm').exec(readFileSync(file, 'utf8'))?.[1];
  const [what, tests] = [header('what'), header('tests')?.split(/\s+/)];
  if (what === undefined || tests === undefined) throw new Error(`${file} wants a header of # what: and # tests:`);
  const missing = tests.filter((test) => !existsSync(join(root, test)));
  if (missing.length > 0) throw new Error(`${file} names ${missing.join(' and ')}, which is not there`);
  return { name, file, what, tests };
}

const copy = mkdtempSync(join(tmpdir(), 'pool-ts-mutants-'));
process.once('exit', () => rmSync(copy, { recursive: true, force: true }));
process.once('SIGINT', () => process.exit(130));
const LINKED = ['node_modules', 'dist'];
cpSync(root, copy, {
  recursive: true,
  filter: (path) => !LINKED.concat('.git').some((name) => path === join(root, name)),
});
for (const name of LINKED) if (existsSync(join(root, name))) symlinkSync(join(root, name), join(copy, name));

/** Whether the tests are green. */
function green(tests) {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const { status, stdout, stderr, signal, error } = spawnSync(
    process.execPath,
    [vitest, 'run', '--bail=1', '--reporter=json', ...tests],
    // Its own cache: the one of node_modules is the true tree's.
    { cwd: copy, encoding: 'utf8', maxBuffer: 1 << 28, timeout: MOST_MS, env: { ...process.env, FORCE_COLOR: '0' } },
  );
  // Where a fault makes a test go round for ever, vitest can't stop it.
  if (error?.code === 'ETIMEDOUT') return { green: false, red: `tests that do not end within ${MOST_MS / 1000} s` };
  if (signal !== null) throw new Error(`the tests were ended by ${signal}`);
  // What couldn't even begin proves nothing: red is a test that failed, or a file that failed to load what the fault broke.
  const begin = stdout.indexOf('{');
  if (begin < 0) throw new Error(`no report of the tests:\n${stdout}${stderr}`);
  const report = JSON.parse(stdout.slice(begin));
  if (report.numTotalTests === 0 && status === 0) throw new Error(`no test was run of ${tests.join(' ')}`);
  return { green: status === 0, red: firstRed(report) };
}

function firstRed({ testResults }) {
  const failed = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .find(({ status }) => status === 'failed');
  return failed?.fullName ?? null;
}

/** Applies a diff to the copy, or takes it back. */
function apply(file, ...options) {
  return spawnSync('git', ['apply', ...options, file], { cwd: copy, encoding: 'utf8' });
}

const all = [...new Set(mutants.flatMap(({ tests }) => tests))];
const before = green(all);
if (!before.green) {
  console.error(`mutants: the tests are red without any fault (${before.red ?? 'a file does not load'})`);
  process.exit(1);
}
let wrong = 0;
for (const { name, file, what, tests } of mutants) {
  const applied = apply(file);
  if (applied.status !== 0) {
    wrong++;
    console.log(`STALE     ${name}: ${applied.stderr.trim().split('\n')[0]}`);
    continue;
  }
  const { green: survived, red } = green(tests);
  if (survived) wrong++;
  console.log(`${survived ? 'SURVIVED ' : 'caught   '} ${name}: ${what}`);
  if (red !== null) console.log(`            by: ${red}`);
  if (apply(file, '-R').status !== 0) throw new Error(`${file} can not be taken back`);
}
console.log(`${mutants.length - wrong} of ${mutants.length} faults caught`);
process.exitCode = wrong === 0 ? 0 : 1;
