/**
 * `npm run reliability [-- --quick] [rows]`: tries what docs/reliability.md promises as often as plan.ts says, and prints
 * promise, figure wanted, figure reached and seed; fails where one falls short. `npm run fuzz` and `npm run faults` do the
 * rows of that kind. POOL_TEST_SEED replays.
 *
 *   tsx test/reliability/run.ts [--script fuzz|faults] [--quick] [--count N] [row]...
 */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from '../programs/run.js';
import { FIGURES_FILE, WANTED } from './figures.js';
import { PLAN, type Row, type RowId } from './plan.js';

const { values, positionals } = parseArgs({
  options: {
    script: { type: 'string' },
    quick: { type: 'boolean', default: false },
    count: { type: 'string' },
  },
  allowPositionals: true,
});

const rows = Object.entries(PLAN) as [RowId, Row][];
const unknown = positionals.filter((name) => !(name in PLAN));
const count = values.count === undefined ? null : Number(values.count);
if (unknown.length > 0 || (count !== null && !(count > 0))) {
  if (unknown.length > 0)
    console.error(`no such row: ${unknown.join(', ')}; there are ${Object.keys(PLAN).join(', ')}`);
  else console.error(`--count is a positive number, not ${values.count}`);
  process.exit(2);
}

const chosen = rows.filter(
  ([id, { script }]) =>
    (positionals.length === 0 || positionals.includes(id)) && (values.script === undefined || script === values.script),
);
const figureOf = ({ quick, full }: Row): number => count ?? (values.quick ? quick : full);
const seed = process.env['POOL_TEST_SEED'] ?? String(randomInt(2 ** 31));

const scratch = mkdtempSync(join(tmpdir(), 'pool-ts-reliability-'));
/** What each row reached: tests that run it in parts have their counts added. */
const figures = new Map<RowId, number>();
const failed = new Set<string>();
for (const file of new Set(chosen.map(([, row]) => row.file))) {
  const here = chosen.filter(([, row]) => row.file === file);
  const wanted = Object.fromEntries(here.map(([id, row]) => [id, figureOf(row)]));
  console.log(`\n== ${here.map(([id]) => id).join(', ')}: ${file}`);
  const lines = join(scratch, `${here[0]![0]}.jsonl`);
  const project = file.startsWith('test/device/') ? 'device' : 'unit';
  const { status } = spawnSync(
    process.execPath,
    [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--project', project, '--testTimeout=3600000', file],
    {
      cwd: ROOT,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...process.env,
        POOL_TEST_SEED: seed,
        [WANTED]: JSON.stringify(wanted),
        [FIGURES_FILE]: lines,
        NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --unhandled-rejections=strict`,
      },
    },
  );
  if (status !== 0) failed.add(file);
  if (!existsSync(lines)) continue;
  for (const line of readFileSync(lines, 'utf8').split('\n').filter(Boolean)) {
    const { row, count: more } = JSON.parse(line) as { row: RowId; count: number };
    figures.set(row, (figures.get(row) ?? 0) + more);
  }
}
rmSync(scratch, { recursive: true, force: true });

console.log(`\nrow  ${'wanted'.padStart(10)}${'reached'.padStart(10)}  promise (POOL_TEST_SEED=${seed})`);
let short = 0;
for (const [id, row] of chosen) {
  const figure = figures.get(id) ?? 0;
  const bad = failed.has(row.file) || figure < figureOf(row);
  if (bad) short += 1;
  const cells = `${String(figureOf(row)).padStart(10)}${String(figure).padStart(10)}`;
  console.log(`${id.padEnd(4)} ${cells}  ${row.unit}: ${row.promise}${bad ? '   FALLS SHORT' : ''}`);
}
if (short > 0 || chosen.length === 0) process.exitCode = 1;
