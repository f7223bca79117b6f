/** `pool-ts bridge`: curl downloads through both directions in a row. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../../src/cli/program.js';
import { dial } from '../../../src/index.js';
import { program } from '../../require.js';
import { addressOf, type CliProgram, endCliPrograms, startCli } from '../cli-program.js';
import { testTerminal } from '../test-terminal.js';
import { randomBytes } from '../../random.js';

const LOOPBACK = '127.0.0.1:0';
const SIZE = 50_000_000;
const piece = randomBytes(1_000_000);
const digest = digestOfPieces(SIZE / piece.length);
const curl = program('curl', 'curl');

let server: Server;
let web: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/hang') response.write(piece);
    else Readable.from(Array.from({ length: SIZE / piece.length }, () => piece)).pipe(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  web = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(endCliPrograms);

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** HTTP server <- pool2tcp <- tcp2pool <- whoever connects to `address`. */
async function chain(options: string[] = []): Promise<{ address: string; near: CliProgram; far: CliProgram }> {
  const far = startCli(['bridge', 'pool2tcp', LOOPBACK, web, ...options]);
  const near = startCli(['bridge', 'tcp2pool', LOOPBACK, await addressOf(far), ...options]);
  return { address: await addressOf(near), near, far };
}

describe.skipIf(curl.missing)('curl through a bridge and back', () => {
  it('downloads 50 MB, ten at a time', async () => {
    const { address, near, far } = await chain(['--half-close-timeout', '0.5']);
    const downloads = Array.from({ length: 10 }, () => download(address));
    expect(await Promise.all(downloads)).toEqual(Array.from({ length: 10 }, () => ({ code: 0, digest })));
    for (const bridge of [near, far]) {
      bridge.child.kill('SIGINT');
      expect(await bridge.ended).toBe(130);
      expect(bridge.stderr()).toMatch(/^ended; 0 open, 10 done; to POOL .*; to TCP .*\n$/m);
      expect(bridge.stderr()).not.toMatch(/warning|pool-ts bridge/i);
    }
  });

  it('takes nothing for a whole that a kill has cut off', async () => {
    const { address, near, far } = await chain();
    const hanging = connect(Number(address.split(':')[1]), '127.0.0.1');
    hanging.on('error', () => undefined);
    hanging.write('GET /hang HTTP/1.0\r\n\r\n');
    await once(hanging, 'data');
    far.child.kill('SIGKILL');
    await new Promise((resolve) => hanging.once('close', resolve));
    expect(hanging.errored).toMatchObject({ code: 'ECONNRESET' });
    await near.said(/^pool-ts bridge tcp2pool: 127\.0\.0\.1:\d+: .*ERR_POOL_PEER_LOST\)$/m);
    near.child.kill('SIGINT');
    expect(await near.ended).toBe(130);
  });

  it('is reset where the destination can not be reached, and says why', async () => {
    const { address, near, far } = await chain();
    far.child.kill('SIGINT');
    await far.ended;
    expect(await download(address)).toMatchObject({ code: 56 });
    await near.said(/^pool-ts bridge tcp2pool: 127\.0\.0\.1:\d+: dial pool .*\(ECONNREFUSED\)$/m);
    expect(near.child.exitCode).toBeNull();
  });
});

describe('bridge pool2tcp', () => {
  it('breaks the session off where the destination can not be reached', async () => {
    const bridge = startCli(['bridge', 'pool2tcp', LOOPBACK, '127.0.0.1:1', '--quiet']);
    const probe = startCli(['bridge', 'pool2tcp', LOOPBACK, '127.0.0.1:1', '--json']);
    const conn = await dial(await listeningOf(probe), { backend: 'user' });
    await expect(conn.readMessage()).rejects.toMatchObject({ code: 'ERR_POOL_PEER_LOST' });
    const [line] = await probe.said(/^\{"event":"broken".*\}$/m);
    expect(JSON.parse(line)).toMatchObject({ peer: conn.localAddr.toString(), code: 'ECONNREFUSED' });
    probe.child.kill('SIGINT');
    expect(await probe.ended).toBe(130);
    const events = probe.stdout().trim().split('\n');
    expect(JSON.parse(events.at(-1)!)).toMatchObject({ event: 'ended', open: 0, broken: 1 });
    expect(bridge.stderr()).toBe('');
  });

  it('drops sessions over its limit', async () => {
    const bridge = startCli(['bridge', 'pool2tcp', LOOPBACK, web, '--max-connections', '1', '--grace', '0']);
    const address = await addressOf(bridge);
    const conn = await dial(address, { backend: 'user' });
    await conn.write('GET /hang HTTP/1.1\r\nHost: x\r\n\r\n');
    await conn.readMessage();
    await expect(dial(address, { backend: 'user' })).rejects.toMatchObject({ code: 'ECONNRESET' });
    bridge.child.kill('SIGTERM');
    expect(await bridge.ended).toBe(143);
    expect(bridge.stderr()).toMatch(/^ended; 0 open, .* 1 refused/m);
    conn.destroy();
  });
});

describe('bridge tcp2pool', () => {
  it('resets connections over its limit', async () => {
    const far = startCli(['bridge', 'pool2tcp', LOOPBACK, web]);
    const bridge = startCli(['bridge', 'tcp2pool', LOOPBACK, await addressOf(far), '--max-connections', '1']);
    const port = Number((await addressOf(bridge)).split(':')[1]);
    const first = connect(port, '127.0.0.1');
    first.write('GET /hang HTTP/1.0\r\n\r\n');
    await once(first, 'data');
    const second = connect(port, '127.0.0.1').on('error', () => undefined);
    await new Promise((resolve) => second.once('close', resolve));
    expect(second.errored).toMatchObject({ code: 'ECONNRESET' });
    first.destroy();
    bridge.child.kill('SIGINT');
    await bridge.said(/1 refused/);
  });

  it('says in one line what is wrong with a command, before it listens', async () => {
    const cases: [string[], RegExp][] = [
      [['tcp2pool', LOOPBACK, 'localhost', '--half-close-timeout', 'no'], /--half-close-timeout.*seconds/],
      [['tcp2pool', ':0'], /missing required argument 'destination'/],
      [['tcp2pool', 'nowhere', 'localhost'], /TCP address 'nowhere' is not host:port/],
      [['tcp2pool', LOOPBACK, 'a b'], /ERR_POOL_INVALID_ADDRESS/],
      [['tcp2pool', LOOPBACK, 'localhost:0'], /port 0/],
      [['pool2tcp', LOOPBACK, 'localhost'], /TCP address/],
      [['pool2tcp', '[::1', 'localhost:80'], /ERR_POOL_INVALID_ADDRESS/],
      [['pool2tcp', LOOPBACK, web, '--grace', '60'], /--grace.*from 0 to 4/],
      [['pool2pool', LOOPBACK, web], /unknown command 'pool2pool'/],
    ];
    for (const [args, says] of cases) {
      const terminal = testTerminal();
      expect(await run(['bridge', ...args], terminal), args.join(' ')).toBe(64);
      expect(terminal.err(), args.join(' ')).toMatch(says);
      expect(terminal.err().trimEnd().split('\n')).toHaveLength(1);
    }
  });
});

describe('the help of bridge', () => {
  it.each(['tcp2pool', 'pool2tcp'])('%s tells times in seconds, as they are given', async (name) => {
    const terminal = testTerminal();
    expect(await run(['bridge', name, '--help'], terminal)).toBe(0);
    const text = terminal.out().replaceAll(/\s+/g, ' ');
    expect(text).toMatch(/--half-close-timeout <seconds> [^(]*\(default: 10\)/);
    expect(text).toMatch(/--grace <seconds> [^(]*\(default: 3\)/);
  });
});

async function listeningOf(bridge: CliProgram): Promise<string> {
  const [line] = await bridge.said(/^\{"event":"listening".*\}$/m);
  return (JSON.parse(line) as { address: string }).address;
}

/** curl's exit code, and the digest of what it got. */
function download(address: string): Promise<{ code: number; digest: string }> {
  return new Promise((resolve) => {
    const child = execFile('curl', ['-sS', `http://${address}/`], { encoding: 'buffer', maxBuffer: 2 * SIZE });
    const hash = createHash('sha256');
    child.stdout!.on('data', (chunk: Buffer) => hash.update(chunk));
    child.once('close', (code) => resolve({ code: code ?? -1, digest: hash.digest('hex') }));
  });
}

function digestOfPieces(count: number): string {
  const hash = createHash('sha256');
  for (let left = count; left > 0; left -= 1) hash.update(piece);
  return hash.digest('hex');
}
