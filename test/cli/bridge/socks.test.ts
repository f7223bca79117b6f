/** `bridge socks2pool`: any POOL peer behind one port, for clients of SOCKS 5. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Links } from '../../../src/cli/bridge/open-links.js';
import { poolToTcp } from '../../../src/cli/bridge/pool-to-tcp.js';
import { REPLY, replyTo } from '../../../src/cli/bridge/socks.js';
import { type Front, tcpToPool, toRequested } from '../../../src/cli/bridge/tcp-to-pool.js';
import { run } from '../../../src/cli/program.js';
import { listen, type Listener, PoolError } from '../../../src/index.js';
import { program } from '../../require.js';
import { testTerminal } from '../test-terminal.js';

const curl = program('curl', 'curl');
const LOOPBACK = { host: '127.0.0.1', port: 0 };

let front: Front;
let echo: Listener;
let serving: Promise<void>;
let broken: string[];
let links: Links;
const sockets: Socket[] = [];

beforeEach(async () => {
  broken = [];
  links = new Links(16, (_, error) => void broken.push((error as Error).message));
  const dialled = toRequested(() => Promise.resolve({ backend: 'user', timeout: 5000 }));
  front = await tcpToPool(LOOPBACK, { links, halfCloseTimeout: 2000, dialled });
  echo = await listen('127.0.0.1:0', { backend: 'user' });
  serving = echo.serve(async (conn) => {
    for await (const message of conn) await conn.writeMessage(message);
  });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await front.close();
  await links.end(0);
  await echo.close({ connections: 'destroy' });
  await serving;
});

function client(): Socket {
  const [, port] = /:(\d+)$/.exec(front.address)!;
  const socket = connect({ host: '127.0.0.1', port: Number(port) });
  sockets.push(socket);
  return socket.on('error', () => undefined);
}

/** Everything that comes until the other side ends. */
async function answer(socket: Socket): Promise<number[]> {
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part as Buffer);
  return [...Buffer.concat(parts)];
}

const port = (number: number): number[] => [number >> 8, number & 0xff];
const name = (text: string): number[] => [3, text.length, ...Buffer.from(text, 'latin1')];
const HELLO = [5, 1, 0];
const CONNECT = [5, 1, 0];
const NOWHERE = [1, 0, 0, 0, 0, 0, 0];
/** What isn't SOCKS 5 has no answer in it. */
const RESET = 'ECONNRESET';
const failed = (reply: number): number[] => [5, 0, 5, reply, 0, ...NOWHERE];

describe('a request', () => {
  it.each([
    ['IPv4', () => [1, 127, 0, 0, 1]],
    ['a name', () => name('localhost')],
    ['an address as a name', () => name('127.0.0.1')],
    ['a mapped IPv6 address', () => [4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1]],
  ])('with %s is dialled, and what was sent with it goes there', async (_, host) => {
    const socket = client();
    const request = [...HELLO, ...CONNECT, ...host(), ...port(echo.addr.port)];
    socket.write(Buffer.concat([Buffer.from(request), Buffer.from('at once')]));
    const heard: Buffer[] = [];
    for await (const part of socket.iterator({ destroyOnReturn: false })) {
      heard.push(part as Buffer);
      if (Buffer.concat(heard).includes('at once')) break;
    }
    const bytes = Buffer.concat(heard);
    expect([...bytes.subarray(0, 10)]).toEqual([5, 0, 5, 0, 0, 1, 127, 0, 0, 1]);
    expect(bytes.readUInt16BE(10)).toBeGreaterThan(0);
    expect(bytes.subarray(12).toString()).toBe('at once');
    expect(broken).toEqual([]);
  });

  it('may come in single bytes', async () => {
    const socket = client().setNoDelay(true);
    for (const byte of [...HELLO, ...CONNECT, 1, 127, 0, 0, 1, ...port(echo.addr.port)]) {
      socket.write(Uint8Array.of(byte));
      await new Promise(setImmediate);
    }
    const [first] = (await once(socket, 'data')) as [Buffer];
    expect(first[0]).toBe(5);
  });

  it.each([
    ['another version', [4, 1, 0, 80, 1, 2, 3, 4, 0], RESET, /SOCKS 4/],
    ['HTTP', [...Buffer.from('CONNECT x:1 HTTP/1.1\r\n\r\n')], RESET, /something else/],
    ['a password', [5, 1, 2], [5, 0xff], /log in/],
    ['no way to log in at all', [5, 0], [5, 0xff], /log in/],
    ['BIND', [...HELLO, 5, 2, 0, 1, 127, 0, 0, 1, 0, 80], failed(REPLY.NO_SUCH_COMMAND), /command 2/],
    ['UDP', [...HELLO, 5, 3, 0, 1, 127, 0, 0, 1, 0, 80], failed(REPLY.NO_SUCH_COMMAND), /command 3/],
    ['an unknown kind of address', [...HELLO, 5, 1, 0, 2, 1, 2], failed(REPLY.NO_SUCH_ADDRESS), /type 2/],
    ['port 0', [...HELLO, 5, 1, 0, 1, 127, 0, 0, 1, 0, 0], failed(REPLY.FAILURE), /port 0/],
    ['an empty name', [...HELLO, 5, 1, 0, ...name(''), 0, 80], failed(REPLY.FAILURE), /no host/],
    [
      'a name that is none',
      [...HELLO, 5, 1, 0, ...name('a b\0'), 0, 80],
      failed(REPLY.FAILURE),
      /ERR_POOL|white space/,
    ],
    [
      'a name that a terminal would obey',
      [...HELLO, 5, 1, 0, ...name('a\x9b2Jb'), 0, 80],
      failed(REPLY.FAILURE),
      /address "a\\u009b2Jb"/,
    ],
    ['a port where nobody listens', [...HELLO, 5, 1, 0, 1, 127, 0, 0, 1, 0, 1], failed(REPLY.REFUSED), /refused/i],
    ['a request in another version', [...HELLO, 4, 1, 0, 1], failed(REPLY.FAILURE), /not one of SOCKS 5/],
  ])('for %s is answered and told of', async (_, bytes, wanted, why) => {
    const socket = client();
    socket.write(Uint8Array.from(bytes));
    expect(await answer(socket).catch((error: NodeJS.ErrnoException) => error.code)).toEqual(wanted);
    socket.destroy();
    await expect.poll(() => broken.join('\n')).toMatch(why);
    expect(links.status).toMatchObject({ open: 0, done: 0, broken: 1 });
  });

  it('that never comes ends with the client', async () => {
    const socket = client();
    socket.end(Uint8Array.from([5, 1]));
    socket.resume();
    await expect.poll(() => broken.join('\n')).toMatch(/closed before it had asked/);
  });

  it('that never comes does not hold up the end of the bridge', async () => {
    const socket = client();
    socket.write(Uint8Array.from([5]));
    await expect.poll(() => links.status.open).toBe(1);
    await links.end(0);
    expect(links.status).toMatchObject({ open: 0, broken: 1 });
  });
});

it('tells the reasons that SOCKS has words for', () => {
  const codes = ['ECONNREFUSED', 'ENOTFOUND', 'ERR_POOL_TIMEOUT', 'ENETUNREACH', 'ERR_POOL_AUTH_FAILED', 'EOTHER'];
  const errors = codes.map((code) => new PoolError(code, 'x'));
  expect(errors.map(replyTo)).toEqual([5, 4, 4, 3, 2, 1]);
});

describe('the command', () => {
  it.skipIf(curl.missing)('carries curl to the servers that it names', async () => {
    const web = createServer((request, response) => response.end(`for ${request.headers.host?.split(':')[0]}`));
    web.listen(0, '127.0.0.1');
    await once(web, 'listening');
    const far = new Links(16, () => undefined);
    const destination = { host: '127.0.0.1', port: (web.address() as AddressInfo).port };
    const options = { links: far, halfCloseTimeout: 2000, timeout: 5000, listen: { backend: 'user' as const } };
    const back = await poolToTcp('127.0.0.1:0', destination, options);
    const terminal = testTerminal();
    const running = run(['bridge', 'socks2pool', '127.0.0.1:0', '--backend', 'user', '--grace', '0'], terminal);
    let ended = false;
    void running.finally(() => (ended = true));
    let proxy: string | undefined;
    while (proxy === undefined && !ended) {
      proxy = /listening on (\S+), for POOL, by SOCKS 5\n/.exec(terminal.err())?.[1];
      await new Promise(setImmediate);
    }
    const [, number] = /:(\d+)$/.exec(back.address)!;
    for (const host of ['127.0.0.1', 'localhost']) {
      const args = ['-sS', '--proxy', `socks5h://${proxy}`, `http://${host}:${number}/`];
      expect((await promisify(execFile)('curl', args)).stdout).toBe(`for ${host}`);
    }
    const unreachable = promisify(execFile)('curl', ['-sS', '--proxy', `socks5h://${proxy}`, 'http://127.0.0.1:1/']);
    await expect(unreachable).rejects.toMatchObject({ code: 97 }); // CURLE_PROXY
    await expect.poll(() => terminal.err()).toMatch(/^pool-ts bridge socks2pool: 127\.0\.0\.1:\d+: .*ECONNREFUSED/m);
    terminal.interrupt();
    await running;
    await back.close();
    await far.end(0);
    web.closeAllConnections();
    web.close();
  });

  it.each([
    [['socks2pool', '127.0.0.1:0', '--identity', '/nowhere/id'], /nowhere/],
    [['socks2pool', '127.0.0.1:0', '--backend', 'none'], /--backend/],
    [['socks2pool', 'nowhere'], /TCP address 'nowhere'/],
  ])('%o is refused before it listens', async (args, why) => {
    const terminal = testTerminal();
    expect(await run(['bridge', ...args], terminal)).not.toBe(0);
    expect(terminal.err()).toMatch(why);
    expect(terminal.err()).not.toContain('listening');
  });
});
