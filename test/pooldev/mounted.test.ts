/** The device as programs meet it: mounted, opened, and called from C. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Errno } from '../../src/base/errno.js';
import { mountsAt } from '../../src/base/mount-info.js';
import { PoolDevice, type PoolDeviceOptions } from '../../src/pooldev/index.js';
import { fuse, program } from '../require.js';
import { buildPooldev } from './built-worker.js';
import { Client, compileClient } from './c-client.js';
import { freePort } from './free-port.js';

const missing = fuse().missing || program('cc', 'cc').missing;

describe.skipIf(missing)('a mounted device', () => {
  let built: Awaited<ReturnType<typeof buildPooldev>>;
  let compiled: ReturnType<typeof compileClient>;
  let folder: string;
  const clients: Client[] = [];
  const devices: PoolDevice[] = [];

  beforeAll(async () => {
    built = await buildPooldev();
    compiled = compileClient();
  });
  afterAll(() => {
    built.remove();
    compiled.remove();
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pooldev-'));
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.end()));
    await Promise.all(devices.splice(0).map((device) => device.close()));
    expect(readFileSync('/proc/self/mountinfo', 'latin1')).not.toContain(folder);
    rmSync(folder, { recursive: true });
  });

  async function serve(name = 'pool', options: PoolDeviceOptions = {}): Promise<PoolDevice> {
    const device = await PoolDevice.serve(join(folder, name), {
      worker: built.workerFile,
      host: '127.0.0.1',
      ...options,
    });
    devices.push(device);
    return device;
  }

  async function open(device: { path: string }, uid?: number) {
    const client = await Client.open(compiled.program, device.path, uid);
    clients.push(client);
    return client;
  }

  /** A client of each of two devices, and a session between them: index 0 on both. */
  async function conversation(options: PoolDeviceOptions = {}) {
    const [near, far] = [await serve('near', options), await serve('far', options)];
    const [dialler, listener] = [await open(near), await open(far)];
    const port = await freePort();
    expect(await listener.call(`listen ${port}`)).toMatchObject({ errno: 0, result: 0 });
    expect(await dialler.call(`connect ::ffff:127.0.0.1 ${port} 10`)).toMatchObject({ errno: 0, result: 0 });
    await until(async () => (await listener.sessions()).length === 1);
    return { near, far, dialler, listener, port };
  }

  it('is a regular file with mode 0600 that goes away with its server', async () => {
    const device = await serve();
    const stat = statSync(device.path);
    expect([stat.isFile(), stat.mode & 0o777, stat.uid]).toEqual([true, 0o600, process.getuid?.()]);
    expect(mountsAt(device.path).map((mount) => mount.type)).toEqual(['fuse.pool-ts']);
    await device.close();
    expect(existsSync(device.path)).toBe(false);
    expect(await device.closed).toEqual({});
  });

  it('carries a conversation between two programs in C, and shows both what it shows', async () => {
    const { dialler, listener, port } = await conversation();
    for (const [length, channel] of [
      [1, 0],
      [1000, 5],
      [65535, 255],
    ] as const) {
      const sent = await dialler.call(`send 0 ${channel} ${length} ${length % 251}`);
      expect(sent).toMatchObject({ errno: 0, result: 0 });
      const received = await listener.call(`recv 0 ${channel} 65535`);
      expect(received.rest).toEqual([String(length), sent.rest[0], '1']);
    }
    const [dialled] = await dialler.sessions();
    const [accepted] = await listener.sessions();
    const loopback = '00000000000000000000ffff7f000001';
    expect(dialled).toMatchObject({ index: 0, port, family: 10, state: 3, address: loopback, mtu: 1400 });
    expect(accepted).toMatchObject({ index: 0, port: 0, family: 10, state: 3, address: loopback });
    expect(accepted?.id).toBe(dialled?.id);
    expect(dialled?.packetsSent).toBeGreaterThanOrEqual(3);

    await dialler.call('channel 0 9 1');
    const listed = await dialler.call('channel 0 0 3');
    expect(listed.rest).toEqual(['256', `0002${'00'.repeat(30)}ee`]);

    expect(await dialler.call('send 0 0 10 1')).toMatchObject({ errno: 0 });
    expect(await dialler.call('close 0')).toMatchObject({ errno: 0, result: 0 });
    expect(await listener.call('recv 0 0 100')).toMatchObject({ errno: 0, result: 0 });
    expect(await listener.call('recv 0 0 100')).toMatchObject({ errno: Errno.ECONNRESET });
    expect(await listener.call('close 0')).toMatchObject({ errno: 0 });
    expect(await listener.sessions()).toEqual([]);
    expect(await listener.call('stop')).toMatchObject({ errno: 0, result: 0 });
    expect(await dialler.call(`connect ::ffff:127.0.0.1 ${port} 10`)).toMatchObject({ errno: Errno.ECONNREFUSED });
  });

  it('answers what is wrong with the errno of the contract', async () => {
    const { dialler, listener, port } = await conversation();
    const cases: [Client, string, number][] = [
      [dialler, 'badptr 0 3', Errno.EFAULT],
      [dialler, 'send 64 0 1 1', Errno.EINVAL],
      [dialler, 'send 0 0 0 1', Errno.EINVAL],
      [dialler, 'send 9 0 1 1', Errno.ENOTCONN],
      [dialler, 'channel 9 0 1', Errno.ENOENT],
      [dialler, 'raw 0x5401', Errno.ENOTTY],
      [dialler, 'raw 0x40185009', Errno.ENOTTY],
      // The largest struct that a number can name: it is read, and known for no request of ours.
      [dialler, 'raw 0xffff5009', Errno.ENOTTY],
      [dialler, 'read', Errno.EINVAL],
      [dialler, 'connect fe80::1 9 10', Errno.EINVAL],
      [listener, `listen ${port === 65535 ? 1 : port + 1}`, Errno.EADDRINUSE],
    ];
    for (const [client, command, errno] of cases) {
      expect([command, (await client.call(command)).errno]).toEqual([command, errno]);
    }
    await dialler.call('send 0 0 100 1');
    expect(await listener.call('badptr 0 4')).toMatchObject({ errno: Errno.EFAULT });
    expect(await listener.call('recv 0 0 99')).toMatchObject({ errno: Errno.EMSGSIZE });
    expect(await listener.call('recv 0 0 100')).toMatchObject({ errno: 0 });
  });

  it('interrupts RECV and CONNECT by a signal, and the next RECV gets the message', async () => {
    const { near, dialler, listener } = await conversation();
    const waiting = listener.call('recv 0 0 100');
    await interrupt(listener, waiting);
    expect(await waiting).toMatchObject({ errno: Errno.EINTR });
    await dialler.call('send 0 0 50 1');
    expect(await listener.call('recv 0 0 100')).toMatchObject({ errno: 0 });

    const silent = await silentServer();
    const other = await open(near);
    const connecting = other.call(`connect ::ffff:127.0.0.1 ${silent.port} 10`);
    await interrupt(other, connecting);
    expect(await connecting).toMatchObject({ errno: Errno.EINTR });
    expect(await dialler.sessions()).toHaveLength(1);
    silent.server.close();
    for (const socket of silent.sockets) (socket as { destroy(): void }).destroy();
  });

  it('lets a program be killed in each kind of call that waits, and serves the others on', async () => {
    const { near, far, dialler, listener } = await conversation();
    const silent = await silentServer();
    const fds = readdirSync('/proc/self/fd').length;
    for (let round = 0; round < 8; round++) {
      const receiver = await open(far);
      void receiver.call('recv 0 0 100');
      const connector = await open(near);
      void connector.call(`connect ::ffff:127.0.0.1 ${silent.port} 10`);
      await Promise.all([inIoctl(receiver), inIoctl(connector)]);
      receiver.signal('SIGKILL');
      connector.signal('SIGKILL');
      expect(await receiver.exited).toBe('SIGKILL');
      expect(await connector.exited).toBe('SIGKILL');
    }
    expect(await dialler.call('send 0 0 50 1')).toMatchObject({ errno: 0 });
    expect(await listener.call('recv 0 0 100')).toMatchObject({ errno: 0 });
    await until(async () => (await dialler.sessions()).length === 1);
    // A few stay open for the next call of the same threads; none per dead caller and round.
    expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(fds + 64);
    silent.server.close();
    for (const socket of silent.sockets) (socket as { destroy(): void }).destroy();
  });

  it('holds SEND back while nobody receives; a killed sender harms nobody, and what was sent comes whole', async () => {
    const { near, dialler, listener } = await conversation();
    const sender = await open(near);
    let sent = 0;
    let last = sender.call('send 0 0 65535 3');
    const finished = (promise: Promise<unknown>) =>
      Promise.race([promise.then(() => true), new Promise<false>((settle) => setTimeout(settle, 1500, false))]);
    while (sent < 400 && (await finished(last))) {
      sent++;
      last = sender.call('send 0 0 65535 3');
    }
    expect(sent).toBeLessThan(400);
    sender.signal('SIGKILL');
    expect(await sender.exited).toBe('SIGKILL');
    let whole = 0;
    for (;;) {
      const received = await listener.call('recv 0 0 65535');
      if (received.errno !== 0) {
        expect(received.errno).toBe(Errno.ETIMEDOUT);
        break;
      }
      expect(received.rest[0]).toBe('65535');
      whole++;
    }
    expect(whole).toBeGreaterThanOrEqual(sent);
    expect(await dialler.call('send 0 0 5 1')).toMatchObject({ errno: 0 });
  });

  it('strict: discards at the CLOSE of the peer, hides the peer, and opens no second port', async () => {
    const { dialler, listener, port } = await conversation({ strictModule: true });
    const [accepted] = await listener.sessions();
    expect(accepted).toMatchObject({ port: 0, family: 0, address: '00'.repeat(16), state: 3 });
    expect(await listener.call(`listen ${await freePort()}`)).toMatchObject({ errno: 0 });
    await dialler.call('send 0 0 100 1');
    await until(async () => ((await listener.sessions())[0]?.queueDepth ?? 0) === 1);
    await dialler.call('close 0');
    await until(async () => (await listener.sessions())[0]?.state === 5);
    expect(await listener.call('recv 0 0 100')).toMatchObject({ errno: Errno.ECONNRESET });
    expect(port).toBeGreaterThan(0);
  });

  it('answers everybody with an errno when it closes', async () => {
    const { far, listener } = await conversation();
    const waiting = listener.call('recv 0 0 100');
    await inIoctl(listener);
    await far.close();
    expect((await waiting).errno).toBeGreaterThan(0);
    expect((await listener.call('sessions 64')).errno).toBe(Errno.ENOTCONN);
  });

  it('refuses what is in the way, and what is served already', async () => {
    const device = await serve();
    await expect(serve()).rejects.toMatchObject({ code: 'EBUSY' });
    expect(statSync(device.path).isFile()).toBe(true);
    writeFileSync(join(folder, 'letter'), 'not a device');
    await expect(serve('letter')).rejects.toMatchObject({ code: 'EEXIST' });
    expect(readFileSync(join(folder, 'letter'), 'utf8')).toBe('not a device');
    await expect(serve('none/pool')).rejects.toMatchObject({ code: 'ENOENT' });
    writeFileSync(join(folder, 'empty'), '');
    const onEmpty = await serve('empty');
    await onEmpty.close();
    expect(existsSync(join(folder, 'empty'))).toBe(true);
  });

  it('leaves the texts of another server alone where it can’t start, and no folder that it made', async () => {
    const proc = join(folder, 'proc');
    await serve('pool', { proc });
    const texts = () => readdirSync(proc).filter((name) => !name.startsWith('.'));
    await until(async () => texts().length === 4);
    const broken = join(folder, 'broken.mjs');
    writeFileSync(broken, 'throw new Error("planted")');
    for (const [name, options, code] of [
      ['pool', { proc }, 'EBUSY'],
      ['other', { proc, worker: broken }, 'EIO'],
      ['other', { proc: join(folder, 'made'), worker: broken }, 'EIO'],
      ['pool', { proc: join(folder, 'made') }, 'EBUSY'],
    ] as const) {
      const over = nextThread().then((thread) => new Promise((settle) => thread.once('exit', settle)));
      await expect(serve(name, options)).rejects.toMatchObject({ code });
      await over;
      expect(texts().sort()).toEqual(['journal', 'sessions', 'status', 'telemetry']);
      expect([existsSync(join(folder, 'made')), existsSync(join(folder, 'other'))]).toEqual([false, false]);
    }
  });

  it('notices that its mount was taken away', async () => {
    const device = await serve();
    const { status } = await ended(spawn('umount', ['-l', device.path], { stdio: 'ignore' }));
    expect(status).toBe(0);
    expect((await device.closed).error).toMatchObject({ code: 'ENODEV' });
    expect(existsSync(device.path)).toBe(false);
  });

  it('closes what its thread had open once where that fails, and nothing that was opened since', async () => {
    const worker = join(folder, 'failing.mjs');
    const script = `
      import { BroadcastChannel, workerData } from 'node:worker_threads';
      import ${JSON.stringify(pathToFileURL(built.workerFile).href)};
      if (workerData.role === 'pool-ts device') {
        new BroadcastChannel('fail').onmessage = () => { throw new Error('planted'); };
      }`;
    writeFileSync(worker, script);
    const starting = nextThread();
    const device = await serve('pool', { worker });
    const isFuse = (fd: string) =>
      existsSync(`/proc/self/fd/${fd}`) && readlinkSync(`/proc/self/fd/${fd}`) === '/dev/fuse';
    const connection = Number(readdirSync('/proc/self/fd').find(isFuse));
    const opened: number[] = [];
    const thread = await starting;
    thread.prependOnceListener('exit', () => {
      while ((opened.at(-1) ?? 0) < connection) opened.push(openSync('/dev/null', 'r'));
    });
    const channel = new BroadcastChannel('fail');
    channel.postMessage(null);
    channel.close();
    expect((await device.closed).error).toMatchObject({ code: 'EIO' });
    expect(opened).toContain(connection);
    for (const fd of opened) closeSync(fd);
    expect(existsSync(device.path)).toBe(false);
  });

  it('opens and closes a hundred times without keeping anything', async () => {
    const device = await serve();
    const fds = readdirSync('/proc/self/fd').length;
    const threads = readdirSync('/proc/self/task').length;
    for (let round = 0; round < 100; round++) closeSync(openSync(device.path, 'r+'));
    expect(readdirSync('/proc/self/fd').length).toBe(fds);
    expect(readdirSync('/proc/self/task').length).toBeLessThanOrEqual(threads + 1);
  });

  describe('killed', () => {
    async function serverProcess(path: string) {
      const script = `
        const { PoolDevice } = await import(${JSON.stringify(built.indexFile)});
        const device = await PoolDevice.serve(${JSON.stringify(path)}, { host: '127.0.0.1' });
        console.log('serving');
        const endings = {
          exit: () => process.exit(3),
          throw: () => { throw new Error('nobody catches this'); },
          reject: () => void Promise.reject(new Error('nobody catches this')),
          return: () => { device.unref(); process.stdin.destroy(); },
        };
        process.stdin.on('data', (text) => endings[String(text).trim()]());`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['pipe', 'pipe', 'ignore'],
      });
      await new Promise((settle) => child.stdout.once('data', settle));
      return child;
    }

    it('leaves its callers an errno at once, and the next server cleans up', async () => {
      const path = join(folder, 'pool');
      const server = await serverProcess(path);
      const client = await open({ path });
      await client.call(`listen ${await freePort()}`);
      const silent = await silentServer();
      const waiting = client.call(`connect ::ffff:127.0.0.1 ${silent.port} 10`);
      await inIoctl(client);
      server.kill('SIGKILL');
      await ended(server);
      expect([Errno.ENOTCONN, Errno.ECONNABORTED]).toContain((await waiting).errno);
      expect(() => statSync(path)).toThrow('ENOTCONN');
      const device = await serve();
      expect((await open(device)).opened.errno).toBe(0);
      await device.close();
      expect(existsSync(path)).toBe(false);
      silent.server.close();
      for (const socket of silent.sockets) (socket as { destroy(): void }).destroy();
    });

    it('does not keep a second one from its end while it stands still', async () => {
      const path = join(folder, 'pool');
      const server = await serverProcess(path);
      server.kill('SIGSTOP');
      const script = `
        const { PoolDevice } = await import(${JSON.stringify(built.indexFile)});
        await PoolDevice.serve(${JSON.stringify(path)}).catch(({ code }) => console.log(code));`;
      const second = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      try {
        let said = '';
        second.stdout.on('data', (text: Buffer) => (said += text.toString()));
        expect(await ended(second)).toEqual({ status: 0 });
        expect(said).toBe('EBUSY\n');
      } finally {
        second.kill('SIGKILL');
        server.kill('SIGCONT');
        server.stdin.write('exit\n');
        expect((await ended(server)).status).toBe(3);
      }
      expect(mountsAt(path)).toEqual([]);
    });

    it.each([
      ['process.exit', 'exit', 3],
      ['an uncaught error', 'throw', 1],
      ['a rejection that nobody handles', 'reject', 1],
      ['its last statement, after unref', 'return', 0],
    ])('unmounts on the end by %s', async (_name, ending, status) => {
      const path = join(folder, 'pool');
      const server = await serverProcess(path);
      server.stdin.write(`${ending}\n`);
      expect((await ended(server)).status).toBe(status);
      expect(mountsAt(path)).toEqual([]);
      expect(existsSync(path)).toBe(false);
    });
  });

  it('leaves nothing behind when the program ends before it is told of the mount', async () => {
    const path = join(folder, 'pool');
    // Its thread makes the file, and mounts some time later; the event loop stands still in between.
    const script = `
      const { existsSync, readFileSync } = await import('node:fs');
      const { PoolDevice } = await import(${JSON.stringify(built.indexFile)});
      const path = ${JSON.stringify(path)};
      void PoolDevice.serve(path, { host: '127.0.0.1' }).then(() => console.log('told'));
      const mounted = () => readFileSync('/proc/self/mountinfo', 'latin1').includes(path);
      const end = () => {
        if (!existsSync(path)) return setImmediate(end);
        const until = Date.now() + 20_000;
        while (!mounted() && Date.now() < until);
        process.exit(mounted() ? 6 : 1);
      };
      end();`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.on('data', (text: Buffer) => (said += text.toString()));
    expect(await ended(child)).toMatchObject({ status: 6 });
    expect(said).toBe('');
    expect(mountsAt(path)).toEqual([]);
    expect(existsSync(path)).toBe(false);
  });

  it('does not keep its own process from exiting while a thread of it waits in the device', async () => {
    const path = join(folder, 'pool');
    const port = await freePort();
    const koffi = createRequire(import.meta.url).resolve('koffi');
    const caller = `
      const { parentPort } = require('node:worker_threads');
      const koffi = require(${JSON.stringify(koffi)});
      const ioctl = koffi.load(null).func('int ioctl(int fd, uint64_t request, void *argument)');
      const fd = require('node:fs').openSync(${JSON.stringify(path)}, 'r+');
      const [listen, connect, recv, data] = [2, 24, 24, 64].map((size) => Buffer.alloc(size));
      listen.writeUInt16LE(${port});
      connect.set([255, 255, 127, 0, 0, 1], 10);
      connect.writeUInt16LE(${port}, 16);
      connect.writeUInt8(10, 18);
      recv.writeUInt32LE(64, 8);
      recv.writeBigUInt64LE(BigInt(koffi.address(data)), 16);
      ioctl(fd, 0x40025001, listen);
      ioctl(fd, 0x40185002, connect);
      parentPort.postMessage('receiving');
      ioctl(fd, 0xc0185004, recv);
      parentPort.postMessage('received');`;
    const script = `
      const { Worker } = await import('node:worker_threads');
      const { PoolDevice } = await import(${JSON.stringify(built.indexFile)});
      await PoolDevice.serve(${JSON.stringify(path)}, { host: '127.0.0.1' });
      const worker = new Worker(${JSON.stringify(caller)}, { eval: true, execArgv: [] });
      worker.on('message', (text) => (console.log(text), setTimeout(() => process.exit(4), 300)));`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    const receiving = new Promise<number>((settle) =>
      child.stdout.on('data', (text) => {
        said += String(text);
        settle(performance.now());
      }),
    );
    const started = await receiving;
    expect(await ended(child)).toEqual({ status: 4 });
    // The RECV alone would take 5 s.
    expect(performance.now() - started).toBeLessThan(3000);
    expect(said).toBe('receiving\n');
    expect(existsSync(path)).toBe(false);
  });

  const asUser = process.getuid?.() === 0 && !program('fusermount3', 'fusermount3').missing;
  it.skipIf(!asUser)('is served by an ordinary user through fusermount3', async () => {
    const home = join(folder, 'home');
    const path = join(home, 'pool');
    const script = `
      const { spawnSync } = await import('node:child_process');
      const { PoolDevice } = await import(${JSON.stringify(built.indexFile)});
      await converse(await PoolDevice.serve(${JSON.stringify(path)}, { host: '127.0.0.1' }));
      async function converse(device) {
        const input = 'listen ${await freePort()}\\nsessions 64\\n';
        console.log(spawnSync(${JSON.stringify(compiled.program)}, [device.path], { input }).stdout.toString());
        await device.close();
      }`;
    // /dev/fuse may be root's alone here: a mount namespace of its own shows the user one that everybody may open.
    const shell = [
      `mkdir ${home} && chown 65534:65534 ${home} && chmod 755 ${folder} && mknod ${folder}/fuse c 10 229`,
      `chmod 666 ${folder}/fuse && mount --bind ${folder}/fuse /dev/fuse`,
      `chmod -R a+rX ${join(built.indexFile, '../..')} ${join(compiled.program, '..')}`,
      'exec setpriv --reuid 65534 --regid 65534 --clear-groups "$0" --input-type=module -e "$1"',
    ].join(' && ');
    const args = ['--mount', '--propagation', 'private', 'sh', '-c', shell, process.execPath, script];
    const child = spawn('unshare', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (text) => (said += String(text)));
    expect(await ended(child)).toEqual({ status: 0 });
    expect(said.trim().split('\n').slice(1)).toEqual(['ok 0', 'ok 0 0 120 1']);
    expect(existsSync(path)).toBe(false);
  });

  it.skipIf(process.getuid?.() !== 0)(
    'lets other users in only when told to, as far as the mode lets them',
    async () => {
      const NOBODY = 65534;
      const reach = (path: string) => spawn('chmod', ['755', path], { stdio: 'ignore' });
      await ended(reach(folder));
      const closed = await serve('closed', { mode: 0o666 });
      expect((await openAs(closed, NOBODY)).errno).toBe(Errno.EACCES);
      const strict = await serve('private', { allowOther: true });
      expect((await openAs(strict, NOBODY)).errno).toBe(Errno.EACCES);
      const shared = await serve('shared', { allowOther: true, mode: 0o666 });
      expect((await openAs(shared, NOBODY)).errno).toBe(0);
      expect(await clients.at(-1)?.call('sessions 64')).toMatchObject({ errno: 0 });
    },
  );

  async function openAs(device: PoolDevice, uid: number) {
    await ended(spawn('chmod', ['-R', '755', join(compiled.program, '..')], { stdio: 'ignore' }));
    return (await open(device, uid)).opened;
  }
});

/** The next thread that this process starts. */
async function nextThread(): Promise<Worker> {
  const [thread] = (await once(process, 'worker')) as [Worker];
  return thread;
}

/** Accepts TCP and says nothing. */
async function silentServer(): Promise<{ server: Server; port: number; sockets: Set<unknown> }> {
  const sockets = new Set<unknown>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).resume();
  }).listen(0, '127.0.0.1');
  await new Promise((settle) => server.once('listening', settle));
  return { server, port: (server.address() as { port: number }).port, sockets };
}

const turn = () => new Promise((settle) => setTimeout(settle, 5));

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await turn();
}

/** Waits until the program's thread sleeps in the ioctl that it was told to make. */
async function inIoctl(client: Client): Promise<void> {
  await until(
    async () => readFileSync(`/proc/${client.pid}/wchan`, 'utf8').includes('fuse') || /^16 /.test(syscall(client)),
  );
}

function syscall(client: Client): string {
  try {
    return readFileSync(`/proc/${client.pid}/syscall`, 'utf8');
  } catch {
    return '16 (unknown)';
  }
}

/** Signals until the call is answered: one that lands before the call begins is missed. */
async function interrupt(client: Client, call: Promise<unknown>): Promise<void> {
  let answered = false;
  void call.then(() => (answered = true));
  await inIoctl(client);
  while (!answered) {
    client.signal('SIGUSR1');
    await turn();
  }
}

function ended(child: ReturnType<typeof spawn>): Promise<{ status: number | null }> {
  return new Promise((settle) => child.once('exit', (status) => settle({ status })));
}
