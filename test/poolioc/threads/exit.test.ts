import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundle, sleepingFiles } from '../bundle.js';

/** ms that the calls sleep: as long as the module's RECV. */
const SLEEP_MS = 5000;
/** ms that a process may take to end (the goal is 200). */
const END_MS = 4000;

let files: string;
let program: string;
beforeAll(async () => {
  files = JSON.stringify({ ...(await sleepingFiles()), ms: SLEEP_MS });
  program = fileURLToPath(await bundle('test/fixtures/poolioc/exit-child.ts'));
});

/** Runs the program; `ms` counts from where its calls are blocked. */
async function run(lane: string, ending: string) {
  const child = spawn(process.execPath, [program, files, lane, ending], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err, blocked] = ['', '', 0];
  child.stdout.on('data', (text: Buffer) => {
    out += text.toString();
    if (blocked > 0 || !out.includes('blocked\n')) return;
    blocked = performance.now();
    if (ending === 'sigterm') child.kill('SIGTERM');
  });
  child.stderr.on('data', (text: Buffer) => (err += text.toString()));
  let ended = 0;
  child.on('exit', () => (ended = performance.now()));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { code, signal, out, err, ms: ended - blocked };
}

// A receive is interrupted; a SEND never is, and the process ends around it.
describe.each(['receive', 'send'])('a process with eight calls blocked in the lane %s', (lane) => {
  it.each([
    ['natural', 0, null],
    ['exit', 3, null],
    ['exitCode', 4, null],
    ['throw', 1, null],
    ['reject', 1, null],
    ['sigterm', null, 'SIGTERM'],
  ])('ends at once by %s, with its own code', async (ending, code, signal) => {
    const result = await run(lane, ending);
    expect(result).toMatchObject({ code, signal });
    expect(result.ms).toBeLessThan(END_MS);
    if (signal === null) expect(result.out).toBe(`blocked\nhook\nlistener ${code}\n`);
    if (code !== 1) expect(result.err).toBe('');
    else expect(result.err.match(/Error: uncaught and printed\n {4}at /g)).toHaveLength(1);
  });
});

// Ended while it loads koffi, a thread ends the whole process by SIGABRT, if the moment is a bad one.
it.each([0, 2, 5, 10])('a process that ends %i ms into the start of a thread waits for it', async (ms) => {
  const module = new URL('../../fixtures/poolioc/loading-libc.mjs', import.meta.url).href;
  const program = fileURLToPath(await bundle('test/fixtures/poolioc/exit-loading.ts'));
  const args = [program, JSON.stringify({ ...(await sleepingFiles()), module }), String(ms)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (text: Buffer) => (out += text.toString()));
  child.stderr.on('data', (text: Buffer) => (err += text.toString()));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  expect({ code, signal, out, err }).toEqual({ code: 7, signal: null, out: 'loaded\n', err: '' });
});
