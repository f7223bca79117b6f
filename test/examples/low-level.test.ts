import { afterEach, describe, expect, test } from 'vitest';
import { serveDevice } from '../device/served.js';
import { killAll, run, start } from '../programs/run.js';
import { fuse } from '../require.js';

const LOW_LEVEL = 'examples/low-level.ts';

afterEach(killAll);

describe.skipIf(fuse().missing)('on a device file', () => {
  test('it connects, sends, receives, subscribes, lists and closes', async () => {
    await using device = await serveDevice();
    const server = start(['examples/echo.ts', '--listen', '127.0.0.1:0']);
    const [, port = ''] = await server.printed(/listening on \S+:(\d+)/);
    const { code, stdout, stderr } = await run([LOW_LEVEL, '127.0.0.1', port, device.path]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^received hello POOL\nchannel 5 subscribed: true\nsession established: true, \d+ bytes sent, .*, \d+ received\n$/,
    );
    await server.printed(/closed/);
    server.child.kill('SIGINT');
    expect(await server.ended).toBe(0);
  });
});

test('without a device it says so in one line', async () => {
  const { code, stdout, stderr } = await run([LOW_LEVEL, '127.0.0.1', '9253', '/nowhere/pool']);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^.*\/nowhere\/pool.*\n$/);
});
