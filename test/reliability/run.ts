/**
 * `npm run reliability [-- --quick] [rows]`: tries what docs/reliability.md promises as often as plan.ts says, and prints
 * promise, figure wanted, figure reached, seconds and seed; fails where one falls short. `npm run fuzz` and `npm run faults` do
 * the rows of that kind. POOL_TEST_SEED replays.
 *
 *   tsx test/reliability/run.ts [--script fuzz|faults] [--quick] [--count N] [--jobs N] [row]...
 *
 * A file of tests is a process, and as many of them run at once as there are cores: what a row measures is its own process, and
 * none looks at a clock that a neighbour could hold up. What a file prints comes when it is over.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from '../programs/run.js';
import { FIGURES_FILE, type Reached, WANTED } from './figures.js';
import { PLAN, type Row, type RowId } from './plan.js';

const { values, positionals } = parseArgs({
  options: {
    script: { type: 'string' },
    quick: { type: 'boolean', default: false },
    count: { type: 'string' },
    jobs: { type: 'string', default: String(availableParallelism()) },
  },
  allowPositionals: true,
});

const rows = Object.entries(PLAN) as [RowId, Row][];
const unknown = positionals.filter((name) => !(name in PLAN));
const count = values.count === undefined ? null : Number(values.count);
const jobs = Number(values.jobs);
const refusals = [
  unknown.length > 0 && `no such row: ${unknown.join(', ')}; there are ${Object.keys(PLAN).join(', ')}`,
  count !== null && !(count > 0) && `--count is a positive number, not ${values.count}`,
  !(Number.isInteger(jobs) && jobs > 0) && `--jobs is a whole number from 1, not ${values.jobs}`,
].filter((refusal) => refusal !== false);
if (refusals.length > 0) {
  console.error(refusals.join('\n'));
  process.exit(2);
}

const chosen = rows.filter(
  ([id, { script }]) =>
    (positionals.length === 0 || positionals.includes(id)) && (values.script === undefined || script === values.script),
);
const figureOf = ({ quick, full }: Row): number => count ?? (values.quick ? quick : full);
const seed = process.env['POOL_TEST_SEED'] ?? String(randomInt(2 ** 31));

const scratch = mkdtempSync(join(tmpdir(), 'pool-ts-reliability-'));
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));
/** Under way, each the first of a group: vitest alone would leave its workers behind. */
const running = new Set<ChildProcess>();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    for (const { pid } of running) process.kill(-pid!, 'SIGKILL');
    process.exit(1);
  });
}
/** What each row reached, and in how many ms: of tests that run it in parts the parts are added. */
const figures = new Map<RowId, { count: number; ms: number }>();
const failed = new Set<string>();
/** Files whose tests need what the machine lacks, and why. */
const skipped = new Map<string, string>();
const begun = performance.now();
const seconds = (ms: number): string => (ms / 1000).toFixed(1);

/** Runs the tests of a file that try the chosen rows, and prints all they print. */
async function tryFile(file: string): Promise<void> {
  const here = chosen.filter(([, row]) => row.file === file);
  const wanted = Object.fromEntries(here.map(([id, row]) => [id, figureOf(row)]));
  const name = `${here.map(([id]) => id).join(', ')}: ${file}`;
  console.log(`-- begins ${name}`);
  const from = performance.now();
  const [lines, skips] = ['jsonl', 'skips'].map((kind) => join(scratch, `${here[0]![0]}.${kind}`)) as [string, string];
  const project = file.startsWith('test/device/') ? 'device' : 'unit';
  const vitest = spawn(
    process.execPath,
    [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--project', project, '--testTimeout=3600000', file],
    {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: {
        ...process.env,
        POOL_TEST_SEED: seed,
        [WANTED]: JSON.stringify(wanted),
        [FIGURES_FILE]: lines,
        POOL_TEST_SKIPS: skips,
        NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --unhandled-rejections=strict`,
      },
    },
  );
  running.add(vitest);
  const printed: Buffer[] = [];
  for (const stream of [vitest.stdout, vitest.stderr]) stream.on('data', (chunk: Buffer) => printed.push(chunk));
  const [status] = (await once(vitest, 'close')) as [number | null];
  running.delete(vitest);
  console.log(`\n== ${name} (${seconds(performance.now() - from)} s)\n${Buffer.concat(printed).toString()}`);
  if (status !== 0) failed.add(file);
  if (existsSync(skips)) skipped.set(file, readFileSync(skips, 'utf8').trim().replaceAll('\n', '; '));
  for (const line of existsSync(lines) ? readFileSync(lines, 'utf8').split('\n').filter(Boolean) : []) {
    const part = JSON.parse(line) as Reached;
    const sum = figures.get(part.row) ?? { count: 0, ms: 0 };
    figures.set(part.row, { count: sum.count + part.count, ms: sum.ms + part.ms });
  }
}

const waiting = [...new Set(chosen.map(([, row]) => row.file))];
const lane = async (): Promise<void> => {
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) await tryFile(file);
};
await Promise.all(Array.from({ length: jobs }, lane));

console.log(
  `\nrow  ${'wanted'.padStart(10)}${'reached'.padStart(10)}${'s'.padStart(8)}  promise (POOL_TEST_SEED=${seed})`,
);
const counts = { 'as promised': 0, 'fell short': 0, skipped: 0 };
for (const [id, row] of chosen) {
  const { count: figure, ms } = figures.get(id) ?? { count: 0, ms: 0 };
  const reason = figure === 0 && !failed.has(row.file) ? skipped.get(row.file) : undefined;
  const bad = reason === undefined && (failed.has(row.file) || figure < figureOf(row));
  counts[reason !== undefined ? 'skipped' : bad ? 'fell short' : 'as promised'] += 1;
  const cells = `${String(figureOf(row)).padStart(10)}${String(figure).padStart(10)}${seconds(ms).padStart(8)}`;
  const remark = reason !== undefined ? `   (${reason})` : bad ? '   FALLS SHORT' : '';
  console.log(`${id.padEnd(4)} ${cells}  ${row.unit}: ${row.promise}${remark}`);
}
const sums = Object.entries(counts).map(([what, rows]) => `${rows} ${what}`);
console.log(`${sums.join(', ')}; ${seconds(performance.now() - begun)} s, ${jobs} files at a time`);
if (counts['fell short'] > 0 || counts['as promised'] === 0) process.exitCode = 1;
