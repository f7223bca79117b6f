import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { formatStreamAddress, parseStreamAddress } from '../../../src/cli/bridge/stream-address.js';
import { ROOT } from '../../programs/run.js';
import { addressOf, endCliPrograms, startCli } from '../cli-program.js';

const PASSED = { LISTEN_PID: '7', LISTEN_FDS: '1' };

describe('addresses of the bridge', () => {
  it.each([
    ['127.0.0.1:80', { host: '127.0.0.1', port: 80 }],
    ['unix:/run/web.sock', { path: '/run/web.sock' }],
    ['unix:relative.sock', { path: 'relative.sock' }],
    ['systemd', { fd: 3 }],
  ])('%s', (address, parsed) => {
    expect(parseStreamAddress(address, 'listen', PASSED, 7)).toEqual(parsed);
    expect(formatStreamAddress(parsed)).toBe(address);
  });

  it.each([
    ['unix:', 'listen', PASSED, /wants a path/],
    [`unix:/${'x'.repeat(107)}`, 'listen', PASSED, /at most 107 bytes/],
    ['systemd', 'connect', PASSED, /to listen on/],
    ['systemd', 'listen', {}, /passed no socket/],
    ['systemd', 'listen', { ...PASSED, LISTEN_PID: '8' }, /passed no socket/],
    ['systemd', 'listen', { ...PASSED, LISTEN_FDS: '2' }, /2 sockets/],
    ['host', 'listen', PASSED, /not host:port/],
  ] as const)('%s to %s is refused', (address, use, env, message) => {
    expect(() => parseStreamAddress(address, use, env, 7)).toThrow(message);
  });
});

describe.skipIf(process.platform === 'win32')('a bridge between unix sockets', () => {
  let folder = '';
  let server: Server;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pool-ts-unix-'));
    server = createServer((socket) => socket.on('error', () => undefined).pipe(socket));
    server.listen(join(folder, 'echo'));
    await once(server, 'listening');
  });
  afterEach(endCliPrograms);
  afterAll(() => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function echoed(target: { path: string } | { port: number; host: string }): Promise<string> {
    const socket = connect(target);
    socket.end('there and back');
    return text(socket);
  }

  it('carries what is sent both ways', async () => {
    const far = startCli(['bridge', 'pool2tcp', '127.0.0.1:0', `unix:${join(folder, 'echo')}`]);
    const front = join(folder, 'front');
    const near = startCli(['bridge', 'tcp2pool', `unix:${front}`, await addressOf(far)]);
    await near.said(/unix:/);
    expect(await echoed({ path: front })).toBe('there and back');
  }, 180_000);

  it.skipIf(process.platform !== 'linux')(
    'listens on the socket that it was passed',
    async () => {
      const far = startCli(['bridge', 'pool2tcp', '127.0.0.1:0', `unix:${join(folder, 'echo')}`]);
      const destination = await addressOf(far);
      const passed = createServer();
      passed.listen(0, '127.0.0.1');
      await once(passed, 'listening');
      const { port } = passed.address() as AddressInfo;
      const { fd } = (passed as unknown as { _handle: { fd: number } })._handle;
      const tsx = pathToFileURL(join(ROOT, 'node_modules/tsx/dist/loader.mjs')).href;
      const command = [
        process.execPath,
        '--import',
        tsx,
        join(ROOT, 'src/cli/main.ts'),
        'bridge',
        'tcp2pool',
        'systemd',
      ];
      // As systemd does: the variables name the process that execve makes of this one.
      const script = 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"';
      const child = spawn('sh', ['-c', script, 'sh', ...command, destination], {
        stdio: ['ignore', 'pipe', 'pipe', fd],
        env: { ...process.env, NODE_OPTIONS: '', POOL_BACKEND: 'user' },
      });
      // The child has it too, and this process is not to take the connections that come.
      passed.close();
      try {
        await once(child.stderr!, 'data'); // it listens
        expect(await echoed({ host: '127.0.0.1', port })).toBe('there and back');
      } finally {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    },
    180_000,
  );
});
