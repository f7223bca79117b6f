/** The examples that talk through the API, with both ends on one device. */
import { afterEach, describe, expect, test } from 'vitest';
import { killAll, run, start } from '../programs/run.js';
import { fuse } from '../require.js';
import { serveDevice } from './served.js';

afterEach(killAll);

describe.skipIf(fuse().missing)('examples on the kernel backend', () => {
  const on = (path: string) => ({ env: { POOL_BACKEND: 'kernel', POOL_DEVICE: path } });

  test('top-level-await', async () => {
    await using device = await serveDevice();
    const ran = await run(['examples/top-level-await.ts'], on(device.path));
    expect(ran).toEqual({ code: 0, stdout: 'hello from the top level\n', stderr: '' });
  });

  test('http', async () => {
    await using device = await serveDevice();
    const server = start(['examples/http.ts', '--listen', ':0'], on(device.path));
    const [, port = ''] = await server.printed(/listening on http:\/\/\S+:(\d+)/);
    const ran = await run(['examples/http.ts', '--get', `http://127.0.0.1:${port}/x`], on(device.path));
    expect(ran).toEqual({ code: 0, stdout: '200 OK\nGET /x from 127.0.0.1\n', stderr: '' });
    server.child.kill('SIGINT');
    expect(await server.ended).toBe(0);
  });

  test('a second server on the device ends by itself, and says who has it', async () => {
    await using device = await serveDevice();
    const first = start(['examples/echo.ts', '--listen', ':0'], on(device.path));
    await first.printed(/listening on/);
    const second = await run(['examples/telemetry.ts', '--listen', ':0'], on(device.path));
    expect(second).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^listen pool :0: process \d+ listens on \S+ already[^\n]*\n$/) as string,
    });
    first.child.kill('SIGINT');
    expect(await first.ended).toBe(0);
  });

  test('chat', async () => {
    await using device = await serveDevice();
    const server = start(['examples/chat.ts', '--listen', ':0'], on(device.path));
    const [, port = ''] = await server.printed(/listening on \S+:(\d+)/);
    const client = (name: string) =>
      start(['examples/chat.ts', '--connect', `127.0.0.1:${port}`, '--name', name], on(device.path));
    const ada = client('Ada');
    await ada.printed(/Ada is here \(1\)/);
    const bob = client('Bob');
    await ada.printed(/Bob is here \(2\)/);
    bob.child.stdin.end('hello\n');
    await ada.printed(/^Bob: hello$/m);
    await ada.printed(/Bob has left/);
    expect(await bob.ended).toBe(0);
    server.child.kill('SIGINT');
    expect(await server.ended).toBe(0);
    expect(await ada.ended).toBe(1);
  });
});
