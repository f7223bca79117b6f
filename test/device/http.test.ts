/** The HTTP suite, unchanged, through mounted devices: each pair of backends, on a device of its own. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../programs/run.js';
import { fuse, note } from '../require.js';
import { serveDevice } from './served.js';

const pairs = [
  { client: 'kernel', server: 'kernel' },
  { client: 'kernel', server: 'user' },
  { client: 'user', server: 'kernel' },
];

describe.skipIf(fuse().missing).each([
  { ground: 'a served device', strictModule: false },
  { ground: 'a device that behaves as the module', strictModule: true },
])('HTTP through $ground', ({ ground, strictModule }) => {
  it.each(pairs)('$client to $server', { timeout: 300_000 }, async ({ client, server }) => {
    // On all addresses, as the module.
    await using device = await serveDevice({ strictModule, host: '' });
    const { passed, failed, output } = await suite({
      POOL_DEVICE: device.path,
      POOL_HTTP_CLIENT: client,
      POOL_HTTP_SERVER: server,
      POOL_FEATURES_TARGET: strictModule ? 'strict' : '',
    });
    note(`HTTP ${client} to ${server}, ${ground}: ${passed} passed, ${failed} failed`);
    expect(failed, output).toBe(0);
    expect(passed).toBeGreaterThan(25);
  });
});

/** test/http in a process of its own, one file after the other: a device has one listener. */
async function suite(env: NodeJS.ProcessEnv): Promise<{ passed: number; failed: number; output: string }> {
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const args = [vitest, 'run', '--project', 'unit', '--no-file-parallelism', '--reporter', 'json', 'test/http'];
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let [output, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
  await new Promise((resolve) => child.once('close', resolve));
  const report = /^\{.*"numTotalTests".*\}$/m.exec(output)?.[0];
  if (report === undefined) throw new Error(`the suite gave no report: ${output}${errors}`);
  const { numPassedTests, numFailedTests } = JSON.parse(report) as { numPassedTests: number; numFailedTests: number };
  return { passed: numPassedTests, failed: numFailedTests, output };
}
