/** The features, unchanged, through a mounted device: each pair of backends, on a device of its own. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../programs/run.js';
import { note } from '../require.js';
import { serveDevice } from './served.js';

const ends = [
  { client: 'kernel', server: 'kernel' },
  { client: 'kernel', server: 'user' },
  { client: 'user', server: 'kernel' },
];

/** Defines a test for each pair of backends. `ground` names the device in the counts. */
export function featuresThrough(ground: string, { strictModule }: { strictModule: boolean }): void {
  it.each(ends)('$client to $server', { timeout: 300_000 }, async ({ client, server }) => {
    // On all addresses, as the module: some scenarios dial ::1.
    await using device = await serveDevice({ strictModule, host: '' });
    const { counts, output } = await features({
      POOL_DEVICE: device.path,
      POOL_BACKEND: client === server ? client : 'auto',
      POOL_FEATURES_CLIENT: client,
      POOL_FEATURES_SERVER: server,
      POOL_FEATURES_TARGET: strictModule ? 'strict' : '',
    });
    const { passed, failed, skipped } = counts;
    note(`features ${client} to ${server}, ${ground}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
    expect(counts, output).toMatchObject({ failed: 0, skipped: 0 });
    expect(passed).toBeGreaterThan(100);
  });
}

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** scripts/features.mjs as `npm run test:features` starts it. */
async function features(env: NodeJS.ProcessEnv): Promise<{ counts: Counts; output: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'pool-features-'));
  const report = join(folder, 'counts.json');
  try {
    const child = spawn(process.execPath, [join(ROOT, 'scripts/features.mjs')], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env, NODE_OPTIONS: '', POOL_FEATURES_REPORT: report },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    await new Promise((resolve) => child.once('close', resolve));
    return { counts: JSON.parse(readFileSync(report, 'utf8')) as Counts, output };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
