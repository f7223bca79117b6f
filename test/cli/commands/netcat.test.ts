/** `pool-ts listen` and `pool-ts connect`, in processes of their own. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { dial, listen } from '../../../src/index.js';
import { run } from '../../../src/cli/program.js';
import { addressOf, digestOf, endCliPrograms, runCli, startCli } from '../cli-program.js';
import { testTerminal } from '../test-terminal.js';
import { randomBytes } from '../../random.js';

const USER = { backend: 'user' } as const;
const LISTEN = '127.0.0.1:0';
const contents = randomBytes(20_000_000);

afterEach(endCliPrograms);

const text = (message: Uint8Array | null): string | null => (message === null ? null : Buffer.from(message).toString());

describe('listen and connect', () => {
  it('carry 20 MB from connect to listen, and both end', async () => {
    const server = startCli(['listen', LISTEN]);
    const client = await runCli(['connect', '-q', '0', await addressOf(server)], contents);
    expect(client).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(await server.ended).toBe(0);
    expect(server.received).toEqual({ bytes: contents.length, digest: digestOf(contents) });
  });

  it('carry 20 MB from listen to connect, and both end', async () => {
    const server = startCli(['listen', '-q', '0', LISTEN]);
    const address = await addressOf(server);
    server.child.stdin.end(contents);
    const client = await runCli(['connect', '-q', 'never', address]);
    expect(client).toMatchObject({ code: 0, stderr: '' });
    expect(client.received).toEqual({ bytes: contents.length, digest: digestOf(contents) });
    expect(await server.ended).toBe(0);
  });

  it('carry 20 MB each way at a time through a command that sends everything back', async () => {
    const server = startCli(['listen', '-k', '--exec', 'cat', LISTEN]);
    const client = await runCli(['connect', await addressOf(server)], contents);
    expect(client).toMatchObject({ code: 0, stderr: '' });
    expect(client.received).toEqual({ bytes: contents.length, digest: digestOf(contents) });
    server.child.kill('SIGINT');
    expect(await server.ended).toBe(130);
  });

  it('end by themselves in a script', async () => {
    const server = startCli(['listen', '-v', LISTEN]);
    const client = await runCli(['connect', '-v', await addressOf(server)], 'hi\n');
    expect(client.code).toBe(0);
    const backend = "backend user: backend 'user' was asked for\n";
    expect(client.stderr).toMatch(new RegExp(`^${backend}connected to 127\\.0\\.0\\.1:\\d+ \\(user backend\\)\n$`));
    expect(await server.ended).toBe(0);
    expect(server.stdout()).toBe('hi\n');
    expect(server.stderr()).toMatch(
      new RegExp(`^${backend}listening on .*\n127.* connected \\(user backend\\)\n127.* closed\n$`),
    );
  });

  it('tell who asks why they use which backend, and nobody else', async () => {
    const env = { POOL_BACKEND: '', POOL_DEVICE: '/nonexistent/pool' };
    const server = startCli(['listen', '-k', LISTEN], env);
    const address = await addressOf(server);
    const silent = await runCli(['connect', '-q', '0', address], 'hi\n', env);
    expect(silent).toMatchObject({ code: 0, stderr: '' });
    const verbose = await runCli(['connect', '--verbose', '-q', '0', address], 'hi\n', env);
    expect(verbose.stderr).toMatch(/^backend user: \/nonexistent\/pool does not exist: .*\nconnected to .*\n$/);
    expect(server.stderr()).toMatch(/^listening on .*\n$/);
  });

  it('take lines for messages, on a channel', async () => {
    const server = startCli(['listen', '--messages', '--channel', '5', LISTEN]);
    const conn = await dial(await addressOf(server), { ...USER, channels: [5] });
    const channel = await conn.openChannel(5);
    await conn.writeMessage('not of this channel');
    await channel.writeMessages(['eins', 'zwei']);
    await server.said(/^eins\nzwei\n$/);
    server.child.stdin.write('one\n\ntwo\n');
    expect([text(await channel.readMessage()), text(await channel.readMessage())]).toEqual(['one', 'two']);
    await conn.close();
    expect(await server.ended).toBe(0);
  });

  it('refuse a line that is no message, behind those that are', async () => {
    const server = startCli(['listen', '--messages', LISTEN]);
    const client = await runCli(
      ['connect', '--messages', await addressOf(server)],
      `good\n${'x'.repeat(70_000)}\nnever sent\n`,
    );
    expect(client.code).toBe(65);
    expect(client.stderr).toBe(
      'pool-ts connect: line 2 of the input is longer than a message, which has at most 65535 bytes\n',
    );
    await server.ended;
    expect(server.stdout()).toBe('good\n');
  });
});

describe('listen', () => {
  it('gives its input to one session after the other with --keep-open', async () => {
    const server = startCli(['listen', '-k', '-v', LISTEN]);
    const address = await addressOf(server);
    for (const name of ['first', 'second']) {
      const conn = await dial(address, USER);
      await conn.writeMessage(`from ${name};`);
      await server.said(new RegExp(`from ${name};`));
      server.child.stdin.write(`to ${name}`);
      expect(text(await conn.readMessage())).toBe(`to ${name}`);
      await conn.close();
    }
    // A peer that vanishes is told, and the next one is served.
    const lost = await dial(address, USER);
    await lost.writeMessage('from the lost;');
    await server.said(/from the lost/);
    lost.destroy();
    await server.said(/^pool-ts listen: 127.*\(ERR_POOL_PEER_LOST\)$/m);
    const conn = await dial(address, USER);
    server.child.kill('SIGINT');
    expect(await conn.readMessage()).toBeNull();
    expect(await server.ended).toBe(130);
  });

  it('leaves a command time to finish what it got', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pool-exec-'));
    const file = join(folder, 'got');
    const server = startCli(['listen', '--exec', `cat > ${file}; echo done >> ${file}`, LISTEN]);
    await runCli(['connect', '-q', '0', await addressOf(server)], 'stored ');
    expect(await server.ended).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe('stored done\n');
    rmSync(folder, { recursive: true });
  });

  it('closes the session when the command ends, and sends all of its output', async () => {
    const server = startCli(['listen', '--exec', 'head -c 1000000 /dev/zero', LISTEN]);
    const client = await runCli(['connect', '-q', 'never', await addressOf(server)]);
    expect(client).toMatchObject({ code: 0, received: { bytes: 1_000_000 } });
    expect(await server.ended).toBe(0);
  });

  it('ends a command, and what it started, when the session ends', async () => {
    const server = startCli(['listen', '-k', '--exec', 'echo $$; sleep 1000 & echo $!; wait', LISTEN]);
    const conn = await dial(await addressOf(server), USER);
    let pids = '';
    while (pids.split('\n').length < 3) pids += text(await conn.readMessage());
    expect(alive(pids)).toEqual([true, true]);
    await conn.close();
    server.child.kill('SIGINT');
    expect(await server.ended).toBe(130);
    while (alive(pids).includes(true)) await new Promise((resolve) => setTimeout(resolve, 20));
  });

  it('gives up when nobody connects', async () => {
    const { code, stderr } = await runCli(['listen', '--timeout', '0.2', LISTEN]);
    expect(code).toBe(75);
    expect(stderr).toMatch(/^listening on .*\npool-ts listen: accept .*\(ERR_POOL_TIMEOUT\)\n$/);
  });
});

describe('connect', () => {
  it('fails in one line when the peer is killed, behind what it had sent', async () => {
    const server = startCli(['listen', LISTEN]);
    const client = startCli(['connect', await addressOf(server)]);
    server.child.stdin.write('last words');
    await client.said(/last words/);
    server.child.kill('SIGKILL');
    expect(await client.ended).toBe(1);
    expect(client.stderr()).toMatch(/^pool-ts connect: [^\n]*\(ERR_POOL_PEER_LOST\)\n$/);
  });

  it('closes the session at SIGINT', async () => {
    await using listener = await listen(LISTEN, USER);
    const client = startCli(['connect', listener.addr.toString()]);
    const conn = await listener.accept();
    client.child.stdin.write('first');
    expect(text(await conn.readMessage())).toBe('first');
    client.child.kill('SIGINT');
    expect(await client.ended).toBe(130);
    expect(await conn.readMessage()).toBeNull();
    expect((await conn.closed).by).toBe('remote');
    expect(client.stderr()).toBe('');
  });

  it('ends as other programs do when nobody reads what it prints', async () => {
    await using listener = await listen(LISTEN, USER);
    const client = startCli(['connect', listener.addr.toString()]);
    const conn = await listener.accept();
    client.child.stdout.destroy();
    await conn.write('nobody reads this').catch(() => undefined);
    expect(await client.ended).toBe(141);
    expect(await conn.readMessage()).toBeNull();
    expect(client.stderr()).toBe('');
  });

  it('breaks off when its output is full, so that the peer does not take it for the end', async () => {
    await using listener = await listen(LISTEN, USER);
    const terminal = testTerminal();
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', errno: -28 });
    const stdout = new Writable({ write: (_chunk, _encoding, done) => done(full) }).on('error', () => undefined);
    const ended = run(['connect', '--backend', 'user', listener.addr.toString()], { ...terminal, stdout });
    const conn = await listener.accept();
    await conn.write('more than there is room for');
    expect(await ended).toBe(74);
    await expect(conn.readMessage()).rejects.toMatchObject({ code: 'ERR_POOL_PEER_LOST' });
    expect(terminal.err()).toBe('pool-ts connect: standard output: ENOSPC: no space left on device, write\n');
  });

  it('gives up a peer that is silent, where it is told to', async () => {
    await using listener = await listen(LISTEN, USER);
    const terminal = testTerminal();
    const args = ['connect', '--backend', 'user', '--idle-timeout', '0.1', listener.addr.toString()];
    expect(await run(args, terminal)).toBe(75);
    expect(terminal.err()).toMatch(/^pool-ts connect: [^\n]*nothing was sent or received for 100 ms[^\n]*\n$/);
  });

  it('says in one line what is wrong with a command', async () => {
    const cases: [string[], number, RegExp][] = [
      [['connect'], 64, /^pool-ts connect: missing required argument 'host:port'/],
      [['connect', '127.0.0.1:0'], 64, /port 0/],
      [['connect', '::1:9253'], 64, /ambiguous.*ERR_POOL_INVALID_ADDRESS/],
      [['connect', '--channel', '256', 'localhost'], 64, /--channel.*from 0 to 255/],
      [['connect', '--quit-after', 'soon', 'localhost'], 64, /--quit-after.*'never'/],
      [['listen', '--exce', 'cat'], 64, /--exce.*Did you mean --exec/],
      [['listen', '-k', '--timeout', '1'], 64, /--timeout.*--keep-open/],
      [['listen', 'nowhere:x'], 64, /ERR_POOL_INVALID_ADDRESS/],
      [
        ['connect', '--backend', 'kernel', '--device', '/no/pool', 'localhost'],
        69,
        /there is no POOL device at \/no\/pool/,
      ],
      [['listen', '--backend', 'kernel', '--device', '/dev/null'], 69, /\/dev\/null is no POOL device/],
      [
        ['listen', '--backend', 'kernel', '--device', '/dev/null', '127.0.0.1:7000'],
        64,
        /all addresses.*listen on ':7000'/,
      ],
    ];
    for (const [args, code, says] of cases) {
      const terminal = testTerminal();
      expect(await run(args, terminal), args.join(' ')).toBe(code);
      expect(terminal.out()).toBe('');
      expect(terminal.err(), args.join(' ')).toMatch(says);
      expect(terminal.err().trimEnd().split('\n'), args.join(' ')).toHaveLength(1);
    }
  });
});

function alive(pids: string): boolean[] {
  return pids
    .trim()
    .split('\n')
    .map((pid) => {
      try {
        return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
      } catch {
        return false;
      }
    });
}
