/**
 * `npm run bench`: POOL in user space against what else a program could take, between two processes on loopback, in
 * alternating rounds of one run. Machines differ, so that ratios are compared and no time is: docs/performance.md.
 *
 *   npm run bench -- [--case bulk]... [--rounds 7] [--seconds 1] [--json file] [--profile] [--check] [--update]
 *   npm run bench -- --update run1.json run2.json run3.json
 *   npm run bench -- --device [--strict-module] [--path /dev/pool] [--rounds 7] [--seconds 1]   see device.ts
 *
 * --update writes the ratios into ratios.json, on a machine that does nothing else: those of this run, or the medians of runs
 * that --json kept, and then nothing is measured. --check compares a run with those and fails where one is worse by more than
 * a fifth, three times.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { userCryptography } from 'pool-ts';
import { type Case, type CaseOptions, type Row, verdict } from './case.js';
import { CASES } from './cases/index.js';
import { benchDevice } from './device.js';
import { canPin } from './pair.js';
import { profile } from './profile.js';
import { committedRatios, isWorse, key, type Report, updateRatios } from './ratios.js';

/** How often a drop has to be seen. */
const CHECKS = 3;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    case: { type: 'string', multiple: true },
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '1' },
    json: { type: 'string' },
    profile: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    update: { type: 'boolean', default: false },
    device: { type: 'boolean', default: false },
    'strict-module': { type: 'boolean', default: false },
    path: { type: 'string' },
  },
});
const options: CaseOptions = {
  rounds: positive('rounds', values.rounds),
  seconds: positive('seconds', values.seconds),
};

function positive(name: string, text: string): number {
  const number = Number(text);
  if (number > 0) return number;
  console.error(`--${name} is a positive number, not ${text}`);
  process.exit(2);
}

function chosen(): readonly Case[] {
  if (values.case === undefined) return CASES;
  return values.case.map((name) => {
    const found = CASES.find((one) => one.name === name);
    if (found !== undefined) return found;
    console.error(`--case is one of ${CASES.map((one) => one.name).join(', ')}, not ${name}`);
    process.exit(2);
  });
}

const quantity = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);

const line = (...cells: string[]): string =>
  cells.map((cell, at) => (at < 2 ? cell.padEnd(at === 0 ? 44 : 15) : cell.padStart(12))).join('');

function print(row: Row): void {
  const { work, against, ours, theirs, unit, ratio, cpuRatio, goal, beyond } = row;
  const figures = [`${quantity(ours)}`, `${quantity(theirs)}`, unit, ratio.toFixed(2), cpuRatio?.toFixed(2) ?? ''];
  console.log(line(work, against, ...figures, String(goal), beyond === undefined ? '' : String(beyond), verdict(row)));
}

if (values.device) {
  await benchDevice({ ...options, strictModule: values['strict-module'], path: values.path });
  process.exit(0);
}

if (positionals.length > 0) {
  if (!values.update) {
    console.error(`${positionals[0]} is no option; files of runs go with --update`);
    process.exit(2);
  }
  updateRatios(positionals.map((file) => JSON.parse(readFileSync(file, 'utf8')) as Report));
  process.exit(0);
}

const cases = chosen();
const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown CPU'}`;
const cryptography = await userCryptography();
console.log(`Node ${process.versions.node}, ${machine}; cryptography: ${cryptography}`);
console.log(`round trips: ${canPin() ? 'pinned by taskset' : 'not pinned, there is no taskset'}`);
console.log(`medians of ${options.rounds} alternating rounds\n`);
console.log(line('work', 'against', 'POOL', 'the other', '', 'ratio', 'by CPU', 'goal', 'beyond', 'verdict'));

const rows: Row[] = [];
const caseOf = new Map<string, Case>();
for (const one of cases) {
  for (const row of await one.run(options)) {
    rows.push(row);
    caseOf.set(key(row), one);
    print(row);
  }
  if (values.json === undefined) continue;
  // After each case: a run that is ended early has told what it found.
  const report: Report = { node: process.versions.node, machine, cryptography, ...options, rows };
  writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
}
if (values.update) updateRatios([{ rows }]);
if (values.check) await check();
if (values.profile) {
  console.log('\nself time of a bulk transfer, 65519 B a message\n');
  console.log(await profile('bulk', 65_519, 10_000));
  console.log('self time of short messages, 64 B each\n');
  console.log(await profile('bulk', 64, 500_000));
  console.log('self time of round trips, 64 B a message\n');
  console.log(await profile('trips', 64, 10_000));
  console.log('self time of round trips of which 100 are under way, 64 B a message\n');
  console.log(await profile('flight', 64, 300_000));
}

/** What is worse by too much is measured again, and again: one bad run is the machine's. */
async function check(): Promise<void> {
  const committed = committedRatios();
  const unknown = rows.map(key).filter((name) => !(name in committed));
  if (unknown.length > 0) console.error(`not compared, as ratios.json has none of it: ${unknown.join('; ')}`);
  const worse = (row: Row): boolean => isWorse(row, committed);
  let suspects = rows.filter(worse).map(key);
  for (let round = 1; round < CHECKS && suspects.length > 0; round++) {
    const again: Row[] = [];
    for (const one of new Set(suspects.map((name) => caseOf.get(name)!))) again.push(...(await one.run(options)));
    suspects = again.filter((row) => suspects.includes(key(row)) && worse(row)).map(key);
  }
  for (const suspect of suspects) console.error(`worse by more than a fifth, three times: ${suspect}`);
  if (suspects.length > 0) process.exitCode = 1;
}
