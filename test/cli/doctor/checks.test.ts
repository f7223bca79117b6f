import { describe, expect, it } from 'vitest';
import { deviceCall } from '../../../src/cli/doctor/device-call.js';
import { deviceFile } from '../../../src/cli/doctor/device-file.js';
import { environment } from '../../../src/cli/doctor/environment.js';
import type { Wish } from '../../../src/cli/doctor/finding.js';
import { fuseMounting, memoryAccess } from '../../../src/cli/doctor/serving.js';
import { kernelModule } from '../../../src/cli/doctor/kernel-module.js';
import { ipv6Loopback, nativePackages, nodeVersion } from '../../../src/cli/doctor/runtime.js';
import { port } from '../../../src/cli/doctor/ports.js';
import { selfTest } from '../../../src/cli/doctor/self-test.js';
import { PoolError, dial, listen } from '../../../src/index.js';
import { type Machine, machine } from './machine.js';

const wish = (given: Partial<Wish> = {}): Wish => ({
  backend: 'auto',
  device: '/dev/pool',
  deviceNamed: false,
  ...given,
});

describe('Node', () => {
  it.each([
    ['v20.0.0', 'ok'],
    ['v24.1.0', 'ok'],
    ['v18.20.0', 'fail'],
  ])('%s is %s', (version, status) => {
    expect(nodeVersion(machine({ nodeVersion: version })).status).toBe(status);
  });
});

describe('the environment', () => {
  it.each([
    [{}, ['ok']],
    [{ POOL_BACKEND: 'user', POOL_DEVICE: '/tmp/pool' }, ['ok', 'ok']],
    [{ POOL_BACKEND: '' }, ['ok']],
    [{ POOL_BACKEND: 'kernal' }, ['fail']],
    [{ POOL_MAX_SESSIONS: '0' }, ['fail']],
    [{ POOL_MAX_SESSIONS: '64' }, ['ok']],
    [{ POOL_PEER_TIMEOUT: 'soon' }, ['fail']],
    [{ POOL_WORKER: '/nowhere' }, ['fail']],
    [{ POOL_DEVCIE: '/tmp/pool' }, ['warn']],
    [{ POOL_IDENTITY: 'id', POOL_PEERS: 'peers', POOL_PSK_FILE: 'psk' }, ['ok', 'ok', 'ok']],
    [{ POOL_TEST_REQUIRE: 'fuse' }, ['ok']],
  ])('%j', (env, statuses) => {
    expect(environment(machine({ env })).map(({ status }) => status)).toEqual(statuses);
  });

  it('says what a value has to be', () => {
    expect(environment(machine({ env: { POOL_BACKEND: 'kernal' } }))[0]?.says).toMatch(/"kernal".*auto, kernel, user/);
  });
});

const SERVED = '40 30 0:50 / /dev/pool rw - fuse.pool-ts pool-ts-4242-1 rw\n';

describe('the device file', () => {
  const cases: [string, Machine, Partial<Wish>, string, RegExp, { usable: boolean; exists: boolean }][] = [
    [
      'a character device',
      { kinds: { '/dev/pool': 'character device' } },
      {},
      'ok',
      /character/,
      { usable: true, exists: true },
    ],
    [
      'a served file',
      { files: { '/proc/self/mountinfo': SERVED } },
      {},
      'ok',
      /process 4242/,
      { usable: true, exists: true },
    ],
    ['a plain file', { kinds: { '/dev/pool': 'file' } }, {}, 'fail', /ordinary file/, { usable: false, exists: true }],
    ['a folder', { kinds: { '/dev/pool': 'other' } }, {}, 'fail', /no device/, { usable: false, exists: true }],
    [
      'one without the right',
      { kinds: { '/dev/pool': 'character device' }, refused: { '/dev/pool': 'EACCES' } },
      {},
      'fail',
      /user 1000 may not .*EACCES/,
      { usable: false, exists: true },
    ],
    [
      'a mount without a server',
      { kinds: { '/dev/pool': { code: 'ENOTCONN' } } },
      {},
      'fail',
      /has ended/,
      { usable: false, exists: true },
    ],
    ['none', {}, {}, 'warn', /does not exist/, { usable: false, exists: false }],
    ['none, where nobody wants one', {}, { backend: 'user' }, 'ok', /needs none/, { usable: false, exists: false }],
    ['none, where it is named', {}, { deviceNamed: true }, 'fail', /does not exist/, { usable: false, exists: false }],
    ['none, where it is needed', {}, { backend: 'kernel' }, 'fail', /needs it/, { usable: false, exists: false }],
  ];
  it.each(cases)('%s', async (_name, of, wished, status, says, rest) => {
    const file = await deviceFile(machine(of), wish(wished));
    expect(file).toMatchObject({ finding: { status }, ...rest });
    expect(file.finding.says).toMatch(says);
  });

  it('shows no place of a mount that a terminal would obey', async () => {
    const mountinfo = SERVED.replace('/dev/pool', '/tmp/\x1b[2J\xc2\x9b2J');
    const { finding } = await deviceFile(machine({ files: { '/proc/self/mountinfo': mountinfo } }), wish());
    expect(finding.next).toMatch(/is served at \/tmp\/\?\[2J\?2J: /);
    const { finding: own } = await deviceFile(
      machine({ files: { '/proc/self/mountinfo': mountinfo } }),
      wish({ device: '/tmp/\x1b[2J\x9b2J' }),
    );
    expect(own.says).toMatch(/^\/tmp\/\?\[2J\?2J is mounted by pool-ts/);
  });

  it('names a device that is served elsewhere', async () => {
    const mountinfo = SERVED.replace('/dev/pool', '/tmp/my\\040pool');
    const { finding } = await deviceFile(machine({ files: { '/proc/self/mountinfo': mountinfo } }), wish());
    expect(finding.next).toContain('POOL_DEVICE=/tmp/my pool');
  });

  it('looks only at the topmost of the mounts at one place', async () => {
    const mountinfo = `${SERVED}41 40 0:51 / /dev/pool rw - tmpfs tmpfs rw\n`;
    const { finding } = await deviceFile(
      machine({ files: { '/proc/self/mountinfo': mountinfo }, kinds: { '/dev/pool': 'file' } }),
      wish(),
    );
    expect(finding.status).toBe('fail');
  });
});

describe('the kernel module', () => {
  const status = (text: string): Machine => ({
    files: { '/proc/modules': 'pool 90112 0\n', '/proc/pool/status': text },
  });
  it.each([
    [status('Status: listening\nListen port: 9253\n'), 'other', 'ok', /listening on port 9253/],
    [status('Status: idle\n'), 'other', 'ok', /not listening/],
    [{ files: { '/proc/modules': 'pool 90112 0\n' } }, 'other', 'warn', /status says nothing/],
    [{}, 'character', 'warn', /not in \/proc\/modules/],
    [{ files: { '/proc/modules': 'poolish 1 0\n' } }, 'other', 'ok', /not loaded/],
    [{ platform: 'darwin' }, 'other', 'ok', /darwin/],
  ] as const)('%j with a device that is %s: %s', (of, device, found, says) => {
    expect(kernelModule(machine(of), device)).toMatchObject({
      status: found,
      says: expect.stringMatching(says) as string,
    });
  });
});

describe('a call through the device', () => {
  const device =
    (states: number[], close = async () => undefined) =>
    async () => ({ sessions: async () => states.map((state) => ({ state })), close });

  it('tells the size of the table, and closes the device', async () => {
    let closed = 0;
    const finding = await deviceCall(
      '/x',
      false,
      device([3, 3], async () => void closed++),
    );
    expect(finding).toMatchObject({ status: 'ok', says: expect.stringContaining('2 sessions') as string });
    expect(closed).toBe(1);
  });

  it('says in one line why not, and what to do', async () => {
    const finding = await deviceCall('/x', false, () =>
      Promise.reject(new PoolError('ENOTTY', 'list sessions: no\nmore')),
    );
    expect(finding).toMatchObject({ status: 'fail', says: 'list sessions: no' });
    expect(finding.next).toContain('POOL_DEVICE');
  });

  it('knows that nobody serves the module, where it does not answer in time', async () => {
    const late = () => Promise.reject(new PoolError('ERR_POOL_TIMEOUT', 'list sessions: timed out'));
    expect((await deviceCall('/x', true, late)).next).toMatch(/dmesg/);
    expect((await deviceCall('/x', true, late)).next).not.toMatch(/server/);
    expect((await deviceCall('/x', false, late)).next).toMatch(/server/);
  });

  it.each([
    [
      'a module with ended sessions',
      true,
      [3, 5, 3],
      'ok',
      /3 sessions in the table, of 64, 1 of them ended by the peer/,
    ],
    ['a full table', true, Array<number>(64).fill(5), 'warn', /64 sessions .* of 64, 64 .*: it is full/],
    ['a full table of a served device', false, Array<number>(64).fill(3), 'warn', /of 64: it is full/],
  ] as const)('says how full %s is', async (_, character, states, status, says) => {
    const finding = await deviceCall('/x', character, device([...states]));
    expect(finding).toMatchObject({ status, says: expect.stringMatching(says) as string });
  });
});

describe('FUSE', () => {
  it.each([
    [{ uid: 0 }, 'ok', /root mounts/],
    [{ uid: 0, files: { '/proc/self/status': 'CapEff:\t0000000000000000\n' } }, 'warn', /CAP_SYS_ADMIN/],
    [{ uid: 0, refused: { '/dev/fuse': 'EPERM' } }, 'warn', /EPERM/],
    [{ refused: { '/dev/fuse': 'ENOENT' } }, 'warn', /no \/dev\/fuse/],
    [{ programs: ['fusermount3'] }, 'ok', /fusermount3 mounts/],
    [{}, 'warn', /not installed/],
    [{ platform: 'win32' }, 'ok', /win32/],
  ] as const)('%j: %s', async (of, status, says) => {
    const found = await fuseMounting(machine(of as Machine));
    expect(found).toMatchObject({ status, says: expect.stringMatching(says) as string });
  });
});

describe('ptrace_scope', () => {
  const scope = (value: string, capabilities: string): Machine => ({
    files: {
      '/proc/sys/kernel/yama/ptrace_scope': `${value}\n`,
      '/proc/self/status': `Name:\tnode\nCapEff:\t${capabilities}\n`,
    },
  });
  it.each([
    [{}, 'ok'],
    [scope('0', '0000000000000000'), 'ok'],
    [scope('1', '0000000000000000'), 'warn'],
    [scope('1', '0000000000080000'), 'ok'],
    [scope('2', '0000000000000000'), 'warn'],
    [scope('3', 'ffffffffffffffff'), 'warn'],
  ])('%j: %s', (of, status) => {
    expect(memoryAccess(machine(of)).status).toBe(status);
  });
});

describe('native packages', () => {
  it('are no fault where nobody wants a device, and ref-napi never is one', async () => {
    const probes = machine({ broken: { koffi: 'no binary', 'ref-napi': 'it is not installed' } });
    const statuses = async (given: Partial<Wish>) =>
      (await nativePackages(probes, wish(given))).map(({ status }) => status);
    expect(await statuses({})).toEqual(['warn', 'ok', 'ok']);
    expect(await statuses({ backend: 'kernel' })).toEqual(['fail', 'ok', 'ok']);
  });

  it('are not said to be broken where the check itself gave up', async () => {
    const found = await nativePackages(machine({ broken: { 'ref-struct-di': 60_000 } }), wish({ backend: 'kernel' }));
    expect(found[1]).toMatchObject({ status: 'warn', says: expect.stringContaining('not known') as string });
  });
});

describe('the port', () => {
  it('is free', async () => {
    expect(await port(machine(), 9253, null)).toMatchObject({ status: 'ok', says: 'free on 0.0.0.0 and ::' });
    const noIpv6 = machine({ taken: { ':: 9253': 'EAFNOSUPPORT' } });
    expect(await port(noIpv6, 9253, null)).toMatchObject({ status: 'ok', says: 'free on 0.0.0.0' });
  });

  it("is the kernel module's, which is not asked", async () => {
    const probes = machine({ greet: () => Promise.reject(new Error('asked')), taken: { ':: 9253': 'EADDRINUSE' } });
    expect(await port(probes, 9253, { listening: true, port: 9253 })).toMatchObject({ status: 'ok' });
  });

  const holder: Machine = {
    taken: { '0.0.0.0 9253': 'EADDRINUSE' },
    files: {
      '/proc/net/tcp': 'sl local rem st\n 0: 00000000:2425 00000000:0000 0A 0:0 0:0 0 0 0 777 1\n',
      '/proc/31/cmdline': 'node\0server\x1b[31m.mjs\0',
    },
    folders: { '/proc': ['self', '30', '31'], '/proc/30/fd': ['1'], '/proc/31/fd': ['1', '2'] },
    links: { '/proc/30/fd/1': '/dev/null', '/proc/31/fd/2': 'socket:[777]' },
  };
  it("is a POOL node's, or somebody else's, whose process is named", async () => {
    const pool = await port(machine({ ...holder, greet: async () => 'POOL' }), 9253, null);
    expect(pool).toMatchObject({
      status: 'ok',
      says: expect.stringMatching(/POOL node, process 31 \(node server/) as string,
    });
    expect(pool.says).not.toContain('\x1b');
    const other = await port(machine({ ...holder, greet: async () => 'other' }), 9253, null);
    expect(other).toMatchObject({ status: 'warn', next: expect.stringContaining(':9254') as string });
  });

  it('is one that this user may not have', async () => {
    const probes = machine({ taken: { '0.0.0.0 80': 'EACCES', ':: 80': 'EACCES' } });
    expect((await port(probes, 80, null)).status).toBe('warn');
  });
});

it('IPv6 loopback may be missing', async () => {
  expect((await ipv6Loopback(machine())).status).toBe('ok');
  expect((await ipv6Loopback(machine({ taken: { '::1 0': 'EADDRNOTAVAIL' } }))).status).toBe('warn');
});

describe('the self-test', () => {
  const cryptography = () => Promise.resolve('portable' as const);

  it('talks to itself, and says what encrypts', async () => {
    expect(await selfTest()).toMatchObject({ status: 'ok', says: expect.stringContaining('OpenSSL') as string });
    const parts = { dial, listen, cryptography, now: () => 0 };
    expect((await selfTest(parts)).says).toContain('in JavaScript');
  });

  it('says why it could not', async () => {
    const refused = () => Promise.reject(new PoolError('EADDRNOTAVAIL', 'listen pool 127.0.0.1:0: no such address'));
    const finding = await selfTest({ dial, listen: refused, cryptography, now: () => 0 });
    expect(finding).toMatchObject({ status: 'fail', says: expect.stringContaining('no such address') as string });
  });

  it('closes its listener when the dial fails', async () => {
    const listeners: Awaited<ReturnType<typeof listen>>[] = [];
    const finding = await selfTest({
      dial: () => Promise.reject(new PoolError('ECONNREFUSED', 'refused')),
      listen: async (...args) => {
        const listener = await listen(...args);
        listeners.push(listener);
        return listener;
      },
      cryptography,
      now: () => 0,
    });
    expect(finding.status).toBe('fail');
    expect((await listeners[0]?.closed)?.by).toBe('local');
  });
});

it('has the udev rule for a module that this user may not open', async () => {
  const of = { kinds: { '/dev/pool': 'character device' }, refused: { '/dev/pool': 'EACCES' } } as const;
  const { finding } = await deviceFile(machine(of), wish());
  expect(finding.next).toContain('KERNEL=="pool", SUBSYSTEM=="pool", GROUP="pool", MODE="0660"');
});
