/** A device put together, on a connection to the kernel that the test has the other end of. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Errno } from '../../src/base/errno.js';
import { POOL_IOC_CONNECT, POOL_IOC_LISTEN, POOL_IOC_RECV, POOL_IOC_SEND } from '../../src/poolioc/abi/ioctl.js';
import { loadRingLibc } from '../../src/poolioc/rings/ring-libc.js';
import { CopyState } from '../../src/pooldev/memory/copy-channel.js';
import { type DeviceServer, serveDevice } from '../../src/pooldev/device-server.js';
import { loadServerLibc, type ServerLibc } from '../../src/pooldev/server-libc.js';
import { fuse } from '../require.js';
import { mapped } from './fake-call.js';
import { fakeCopyThreads } from './fake-copies.js';
import { fakeNetwork } from './fake-node.js';
import { fuseRequest, ioctlBody, readReply } from './fuse-request.js';

const PORT = 9253;
/** Of /dev/fuse. */
const FUSE = 1_000_000;

// As an ordinary user fusermount3 makes the connection, which is not to be had from here.
describe.skipIf(fuse().missing || process.geteuid?.() !== 0)('a device that closes', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pool-server-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** A server with a session to itself; slot 1 is the accepted end. */
  async function world() {
    const requests: Buffer[] = [];
    const replies = new Map<bigint, number>();
    const copies = fakeCopyThreads();
    let readable = (): void => {};
    const own = await loadServerLibc();
    const libc: ServerLibc = {
      ...own,
      open: (path, flags) => (path === '/dev/fuse' ? FUSE : own.open(path, flags)),
      mount: () => 0,
      close: (fd) => (fd === FUSE ? 0 : own.close(fd)),
      // No page is there: every copy is one for a thread.
      preadAt: () => 0,
      read: (_fd, buffer) => {
        const request = requests.shift();
        if (request === undefined) return -Errno.EAGAIN;
        buffer.set(request);
        return request.length;
      },
      write: (_fd, bytes) => {
        const { unique, error, body } = readReply(Buffer.from(bytes));
        replies.set(unique, error === 0 ? body.readInt32LE(0) : error);
        return bytes.length;
      },
      poll: (_fd, told) => {
        readable = told;
        return { stop: () => {}, close: () => {} } as ReturnType<ServerLibc['poll']>;
      },
    };
    const server: DeviceServer = await serveDevice({
      libc,
      ringLibc: await loadRingLibc(),
      createNode: () => fakeNetwork().node(),
      startCopyThread: copies.start,
      path: join(folder, 'pool'),
      source: 'a test',
      options: { strictModule: false, host: '', mode: 0o600, allowOther: false, proc: null },
      warn: () => {},
      mayMount: () => true,
      abandoned: () => false,
      disconnected: () => {},
      ended: () => {},
    });
    let last = 0n;
    const call = (command: number, argument: Buffer): bigint => {
      last += 2n;
      requests.push(fuseRequest(39, ioctlBody(command, argument), { unique: last, pid: process.pid }));
      readable();
      return last;
    };
    const transfer = (session: number): Buffer => {
      const argument = Buffer.alloc(24);
      argument.writeUInt32LE(session, 0);
      argument.writeUInt32LE(5, 8);
      argument.writeBigUInt64LE(0x10000n, 16);
      return argument;
    };
    const [listen, connect] = [Buffer.alloc(2), Buffer.alloc(24)];
    listen.writeUInt16LE(PORT);
    connect.set(mapped(127, 0, 0, 1));
    connect.writeUInt16LE(PORT, 16);
    call(POOL_IOC_LISTEN, listen);
    await turn();
    const dialled = call(POOL_IOC_CONNECT, connect);
    await turn();
    expect(replies.get(dialled)).toBe(0);
    /** A RECV with a message at hand: its copy is asked for. */
    const receive = (): bigint => {
      const receiving = call(POOL_IOC_RECV, transfer(1));
      const sending = call(POOL_IOC_SEND, transfer(0));
      thread.run();
      expect([replies.get(sending), replies.get(receiving), thread.state()]).toEqual([0, undefined, CopyState.ASKED]);
      return receiving;
    };
    const thread = copies.started[0]!;
    return { server, replies, thread, receive };
  }

  it('answers a call whose copy runs when that is done', async () => {
    const { server, replies, thread, receive } = await world();
    const call = receive();
    expect(thread.take()).toBe(true);
    const closing = server.close();
    await turn();
    expect(replies.has(call)).toBe(false);
    thread.run();
    expect(replies.get(call)).toBe(0);
    await closing;
    expect(thread.stopped).toBe(true);
  });

  it('lets no copy run whose caller has its answer', async () => {
    const { server, replies, thread, receive } = await world();
    const call = receive();
    const closing = server.close();
    await turn();
    expect(replies.get(call)).toBe(-Errno.ECONNABORTED);
    expect(thread.take()).toBe(false);
    await closing;

    const ending = await world();
    ending.receive();
    ending.server.disconnect();
    expect(ending.thread.take()).toBe(false);
    await ending.server.close();
  });
});

const turn = () => new Promise((resolve) => setImmediate(resolve));
