import { afterEach, expect, test } from 'vitest';
import { killAll, run } from '../programs/run.js';

afterEach(killAll);

test('the demonstration converses on the connection and on channel 5, measures, and ends', async () => {
  const { code, stdout, stderr } = await run(['examples/demo.ts']);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^client: .*user.*$/m);
  expect(stdout).toMatch(/^client: connected to 127\.0\.0\.1:\d+, session [0-9a-f]{32}, user backend$/m);
  expect(stdout).toMatch(/^server: got "hello POOL" on the connection$/m);
  expect(stdout).toMatch(/^client: got echo of "hello POOL"$/m);
  expect(stdout).toMatch(/^server: got "channel 5 data" on channel 5$/m);
  expect(stdout).toMatch(/^client: got echo of "channel 5 data"$/m);
  expect(Number(stdout.match(/^client: RTT: (\d+)µs, Loss: [\d.]+%$/m)?.[1])).toBeGreaterThan(0);
  expect(stdout.trimEnd()).toMatch(/done$/);
});

test('without a device the demonstration says which backend it took, and why', async () => {
  const { code, stdout } = await run(['examples/demo.ts'], {
    env: { POOL_BACKEND: 'auto', POOL_DEVICE: '/nonexistent/pool' },
  });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^client: .*\/nonexistent\/pool/m);
});
