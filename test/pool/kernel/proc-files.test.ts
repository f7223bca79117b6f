import { describe, expect, it } from 'vitest';
import { createServer, connect, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { parseModuleStatus } from '../../../src/base/module-status.js';
import { machineProc, type ProcFiles } from '../../../src/poolioc/closing/kernel-thread.js';
import { ReceiverThreads } from '../../../src/pool/kernel/session/thread-lookup.js';
import { readTcpTable } from '../../../src/pool/kernel/table/tcp-table.js';

/** A /proc of files; reads are counted. */
function files(contents: Record<string, string>): { proc: ProcFiles; reads: string[] } {
  const reads: string[] = [];
  const read = (path: string): string | null => {
    reads.push(path);
    return contents[path] ?? null;
  };
  const list = (): string[] => [...new Set(Object.keys(contents).map((path) => path.split('/', 1)[0]!))];
  return { proc: { read, list }, reads };
}

describe('/proc/pool/status', () => {
  it.each([
    ['Status: listening\nListen port: 9253\nActive sessions: 3 / 64\n', { listening: true, port: 9253 }],
    ['Status:   idle\nListen port: 9253\n', { listening: false, port: 9253 }],
    ['Status: idle\n', { listening: false, port: 0 }],
    ['something else\n', null],
  ])('%j', (text, expected) => {
    expect(parseModuleStatus(files({ 'pool/status': text }).proc.read('pool/status'))).toEqual(expected);
  });

  it('is null where there is none', () => {
    expect(parseModuleStatus(files({}).proc.read('pool/status'))).toBeNull();
  });
});

describe('/proc/net/tcp and tcp6', () => {
  const header = '  sl  local_address rem_address   st tx_queue rx_queue\n';

  it('reads addresses of both families, mapped ones as IPv4', () => {
    const { proc } = files({
      'net/tcp': `${header}   0: 0100007F:2425 0200000A:C350 01 00000000:00000000 00:00000000 00000000     0        0 31337 1\n   1: 00000000:0016 00000000:0000 0A 0 0\n`,
      'net/tcp6':
        `${header}   0: 00000000000000000000000000000000:2425 00000000000000000000000000000000:0000 0A 0 0\n` +
        `   1: 0000000000000000FFFF00000100007F:2425 0000000000000000FFFF00000100007F:C351 01 00000000:00000000 00:00000000 00000000     0        0 0 1\n` +
        `   2: B80D0120000000000000000001000000:2425 B80D0120000000000000000002000000:C352 01 0 0\n` +
        `   3: B80D0120000000000000000001000000:2425 B80D0120000000000000000002000000:C353 06 0 0\n`,
    });
    const { listening, established } = readTcpTable(proc);
    expect([...listening]).toEqual([22, 9253]);
    expect(established).toEqual([
      {
        local: { address: '127.0.0.1', port: 9253 },
        remote: { address: '10.0.0.2', port: 50000 },
        inode: '31337',
        queued: false,
      },
      {
        local: { address: '127.0.0.1', port: 9253 },
        remote: { address: '127.0.0.1', port: 50001 },
        inode: '0',
        queued: true,
      },
      {
        local: { address: '2001:db8::1', port: 9253 },
        remote: { address: '2001:db8::2', port: 50002 },
        inode: '',
        queued: false,
      },
    ]);
  });

  it.skipIf(process.platform !== 'linux')('finds a connection of this machine', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1');
    await Promise.all([once(socket, 'connect'), once(server, 'connection')]);
    const table = readTcpTable(machineProc);
    expect(table.listening.has(port)).toBe(true);
    expect(table.established).toContainEqual({
      local: { address: '127.0.0.1', port },
      remote: { address: '127.0.0.1', port: socket.localPort },
      inode: expect.stringMatching(/^[1-9]/) as string,
      queued: false,
    });
    socket.destroy();
    server.close();
  });
});

describe('the receiver threads', () => {
  const machine = {
    '2/comm': 'kthreadd\n',
    '2/task/2/children': '3 70 71 72 ',
    '3/comm': 'rcu_gp\n',
    '70/comm': 'pool_rx_0\n',
    '70/stat': '70 (pool_rx_0) S 2 0 0\n',
    '71/comm': 'pool_rx_63\n',
    '71/stat': '71 (pool_rx_63) D 2 0 0\n',
    '72/comm': 'pool_rx_5\n',
    '72/stat': '72 (pool_rx_5) X 2 0 0\n',
  };

  it('are found by name, and a dead one is none', () => {
    const threads = new ReceiverThreads(files(machine).proc);
    expect([0, 63, 5, 1].map((index) => threads.running(index))).toEqual([true, true, false, false]);
  });

  it('cost one read when they are known', () => {
    const { proc, reads } = files(machine);
    const threads = new ReceiverThreads(proc);
    threads.running(0);
    reads.length = 0;
    expect(threads.running(0)).toBe(true);
    expect(reads).toEqual(['70/stat']);
  });

  it('are looked for anew when the remembered one has ended, as after a reuse of the slot', () => {
    const world: Record<string, string> = { ...machine };
    const threads = new ReceiverThreads(files(world).proc);
    expect(threads.running(0)).toBe(true);
    delete world['70/comm'];
    delete world['70/stat'];
    expect(threads.running(0)).toBe(false);
    Object.assign(world, {
      '2/task/2/children': '3 99',
      '99/comm': 'pool_rx_0\n',
      '99/stat': '99 (pool_rx_0) S 2 0\n',
    });
    expect(threads.running(0)).toBe(true);
  });

  it('are found among those that are new without reading of the others again', () => {
    const world: Record<string, string> = { ...machine };
    const { proc, reads } = files(world);
    const threads = new ReceiverThreads(proc);
    threads.scan();
    reads.length = 0;
    Object.assign(world, {
      '2/task/2/children': '3 70 71 72 99 100',
      '99/comm': 'pool_rx_7\n',
      '99/stat': '99 (pool_rx_7) S 2 0\n',
      // A thread that its creator has not named yet.
      '100/comm': 'kthreadd\n',
    });
    threads.scanNew();
    expect([threads.known(7), threads.known(0), threads.known(8)]).toEqual([true, true, false]);
    expect(reads).not.toContain('3/comm');
    Object.assign(world, { '100/comm': 'pool_rx_8\n', '100/stat': '100 (pool_rx_8) S 2 0\n' });
    threads.scanNew();
    expect(threads.known(8)).toBe(true);
  });

  it('are what they were where /proc can’t be read for a while, and a look says so', () => {
    const { proc } = files(machine);
    let failing = '';
    const read = (path: string): string | null => {
      if (failing !== '' && path.startsWith(failing)) throw new Error('EMFILE');
      return proc.read(path);
    };
    const threads = new ReceiverThreads({ ...proc, read });
    threads.scan();
    // The scan has come to half of the threads, or to none.
    for (failing of ['71', '2/comm']) {
      expect(() => threads.running(5)).toThrow('EMFILE');
      expect(() => threads.scan()).toThrow('EMFILE');
    }
    failing = '';
    expect([0, 63, 5].map((index) => threads.known(index))).toEqual([true, true, false]);
  });

  it('are found all the same where a thread took the pid of another that a scan has seen', () => {
    const world: Record<string, string> = { ...machine };
    const threads = new ReceiverThreads(files(world).proc);
    threads.scan();
    Object.assign(world, { '3/comm': 'pool_rx_9\n', '3/stat': '3 (pool_rx_9) S 2 0\n' });
    expect(threads.running(9)).toBe(true);
  });

  it('can’t be counterfeited by a program with their name', () => {
    const { proc } = files({
      '2/comm': 'kthreadd\n',
      '900/comm': 'pool_rx_0\n',
      '900/stat': '900 (pool_rx_0) S 1 0\n',
    });
    expect(new ReceiverThreads(proc).running(0)).toBe(false);
  });

  it('are found without the list of children too', () => {
    const rest = Object.entries(machine).filter(([path]) => path !== '2/task/2/children');
    expect(new ReceiverThreads(files(Object.fromEntries(rest)).proc).running(63)).toBe(true);
  });

  it.each([
    ['there is no pid 2', {}],
    ['pid 2 is somebody else', { '2/comm': 'bash\n' }],
  ])('prove nothing where %s', (_name, contents) => {
    expect(new ReceiverThreads(files(contents).proc).running(0)).toBeNull();
  });
});
