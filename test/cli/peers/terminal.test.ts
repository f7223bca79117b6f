/** Commands that ask who the peer is: as processes on a terminal, where a person is asked, and without one. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import * as net from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { run } from '../../../src/cli/program.js';
import { listen, type Listener, type ListenOptions } from '../../../src/index.js';
import { hangUpAll, onTerminal, pty } from '../../device/pty.js';
import { ROOT } from '../../programs/run.js';
import { type TestTerminal, testTerminal } from '../test-terminal.js';
import { keyFolder } from './key-files.js';

const folder = keyFolder();
const [server, client] = [folder.identity('server'), folder.identity('client')];
const listeners: Listener[] = [];
const commands: { terminal: TestTerminal; done: Promise<number> }[] = [];
afterEach(async () => {
  hangUpAll();
  for (const { terminal } of commands) terminal.interrupt();
  await Promise.all(commands.splice(0).map(({ done }) => done));
  await Promise.all(listeners.splice(0).map((listener) => listener.close({ connections: 'destroy' })));
});
afterAll(() => folder.remove());

const TSX = pathToFileURL(join(ROOT, 'node_modules/tsx/dist/loader.mjs')).href;
const MAIN = join(ROOT, 'src/cli/main.ts');
const POOL_TS = `'${process.execPath}' --import '${TSX}' '${MAIN}'`;

let count = 0;
/** A user who has met nobody yet. */
function newUser(): { env: NodeJS.ProcessEnv; known: string } {
  const home = join(folder.path, `user-${count++}`);
  return { env: { XDG_CONFIG_HOME: home, POOL_BACKEND: 'user' }, known: join(home, 'pool-ts', 'known_peers') };
}

/** An echo that proves itself. */
async function echo(peers: ListenOptions['peers']): Promise<string> {
  const listener = await listen('127.0.0.1:0', { backend: 'user', identity: server.privateKey, peers });
  listeners.push(listener);
  void listener.serve(async (conn) => {
    for await (const message of conn) await conn.writeMessage(message);
  });
  return listener.addr.toString();
}

describe.skipIf(pty().missing)('on a terminal', () => {
  const size = { columns: 100, rows: 24 };

  it('a person is asked about a peer, though the input is a pipe, and the conversation goes on', async () => {
    const at = await echo([client.line]);
    const { env, known } = newUser();
    const command = `sh -c "echo hello | ${POOL_TS} connect ${at} --identity '${client.file}'"`;
    const connect = onTerminal(command, { ...size, env });
    await connect.shows(/is not known\. It proved the key SHA256:/);
    await connect.shows(/yes\/no\/fingerprint/);
    expect(connect.screen.text().replace(/\s/g, '')).toContain(server.fingerprint);
    connect.type('what\r');
    await connect.shows(/Type yes, no, or the fingerprint:/);
    connect.type('yes\r');
    await connect.shows(/^hello$/m);
    expect(await connect.ended).toBe(0);
    expect(readFileSync(known, 'utf8')).toContain(server.line.split(' ')[1]);
  });

  it.each([
    ['no', 'no\r', 76],
    ['^C', '\x03', 130],
  ])('whoever answers %s has not dialled', async (_, answer, code) => {
    const at = await echo('anyone');
    const { env, known } = newUser();
    const connect = onTerminal(`${POOL_TS} connect ${at} --peers known`, { ...size, env });
    await connect.shows(/yes\/no\/fingerprint/);
    connect.type(answer);
    expect(await connect.ended).toBe(code);
    expect(existsSync(known)).toBe(false);
  });
});

it('without a terminal nobody is asked, and a peer that is not known is refused', async () => {
  const at = await echo('anyone');
  const { env, known } = newUser();
  // In a session of its own, which no terminal controls.
  const child = spawn(process.execPath, ['--import', TSX, MAIN, 'connect', at, '--peers', 'known'], {
    detached: true,
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code] = (await once(child, 'close')) as [number];
  expect(code).toBe(76);
  expect(said).toMatch(/^pool-ts connect: \[127\.0\.0\.1\]:\d+ is not known, and nobody is asked here: [^\n]*\n$/);
  expect(existsSync(known)).toBe(false);
});

/** A command in this process. */
function start(args: string[], env: NodeJS.ProcessEnv = {}): { terminal: TestTerminal; done: Promise<number> } {
  const terminal = testTerminal();
  Object.assign(terminal.env, env);
  const command = { terminal, done: run(args, terminal) };
  commands.push(command);
  return command;
}

/** Where it listens, as it says itself. */
async function addressOf({ terminal }: { terminal: TestTerminal }): Promise<string> {
  for (;;) {
    const [, port] = /listening on \S+:(\d+)/.exec(terminal.out() + terminal.err()) ?? [];
    if (port !== undefined) return `127.0.0.1:${port}`;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function ran(args: string[], { input = '', env = {} }: { input?: string; env?: NodeJS.ProcessEnv } = {}) {
  const { terminal, done } = start([...args, '--backend', 'user'], env);
  terminal.stdin.end(input);
  return { code: await done, out: terminal.out(), err: terminal.err() };
}

const USER = ['--backend', 'user'];

describe('commands', () => {
  it('with keys converse and tell whom they see; strangers are refused', async () => {
    const keys = ['--identity', server.file, '--peers', client.publicFile];
    const listening = start(['listen', '-k', '-v', '--exec', 'cat', '127.0.0.1:0', ...keys, ...USER]);
    const at = await addressOf(listening);
    const connect = (...args: string[]) =>
      ran(['connect', '-v', at, '--peers', server.publicFile, ...args], { input: 'hello\n' });
    const known = await connect('--identity', client.file);
    expect(known).toMatchObject({ code: 0, out: 'hello\n' });
    expect(known.err).toContain(`(user backend, server ${server.fingerprint})`);
    expect(listening.terminal.err()).toContain(`(user backend, client ${client.fingerprint})`);
    const stranger = await connect('--identity', folder.identity('stranger').file);
    expect(stranger).toMatchObject({
      code: 76,
      out: '',
      err: expect.stringContaining('ERR_POOL_AUTH_FAILED') as string,
    });
    const nameless = await connect();
    expect(nameless).toMatchObject({
      code: 76,
      out: '',
      err: expect.stringContaining('no identity to show') as string,
    });
  });

  it('move files and measure with keys that the environment names', async () => {
    const [here, there] = [
      { POOL_IDENTITY: client.file, POOL_PEERS: server.publicFile },
      { POOL_IDENTITY: server.file, POOL_PEERS: client.publicFile },
    ];
    const inbox = join(folder.path, 'inbox');
    mkdirSync(inbox);
    const at = await addressOf(start(['receive', inbox, '--listen', '127.0.0.1:0', ...USER], there));
    const note = folder.file('note.txt', 'a note');
    const stranger = { ...here, POOL_IDENTITY: folder.identity('another').file };
    expect(await ran(['send', note, at], { env: stranger })).toMatchObject({ code: 76 });
    expect(existsSync(join(inbox, 'note.txt'))).toBe(false);
    expect(await ran(['send', note, at], { env: here })).toMatchObject({ code: 0 });
    expect(readFileSync(join(inbox, 'note.txt'), 'utf8')).toBe('a note');
    const peer = await addressOf(start(['bench', '--listen', '127.0.0.1:0', ...USER], there));
    expect(await ran(['bench', peer, '--seconds', '0.05', '--json'], { env: here })).toMatchObject({ code: 0 });
    expect(await ran(['bench', '--identity', client.file])).toMatchObject({ code: 64 });
  });

  it('bridge TCP for those who have keys', async () => {
    const tcp = net.createServer((socket) => socket.pipe(socket));
    tcp.listen(0, '127.0.0.1');
    await once(tcp, 'listening');
    const { port } = tcp.address() as net.AddressInfo;
    const far = ['bridge', 'pool2tcp', '127.0.0.1:0', `127.0.0.1:${port}`, '--identity', server.file];
    const pool = await addressOf(start([...far, '--peers', client.publicFile, ...USER]));
    const near = ['bridge', 'tcp2pool', '127.0.0.1:0', pool, '--identity', client.file];
    const at = await addressOf(start([...near, '--peers', server.publicFile, ...USER]));
    const socket = net.connect(Number(at.split(':')[1]), '127.0.0.1');
    socket.write('through both');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toBe('through both');
    socket.destroy();
    tcp.close();
  });
});
