import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../src/base/errors.js';
import { selectBackend, type SelectDeps, type BackendPreference } from '../../src/pool/select.js';
import { FakeBackend, rejection } from './fake-backend.js';

const NOTHING: BackendPreference = { backend: undefined, device: undefined, maxSessions: undefined };

/** A machine with these device files. */
function machine(devices: Record<string, 'good' | Error>, env: Record<string, string> = {}) {
  const log: string[] = [];
  const user = new FakeBackend();
  const kernel = new FakeBackend({ name: 'kernel', parallelDials: false });
  const parts: SelectDeps = {
    env,
    stat: async (path) => {
      log.push(`stat ${path}`);
      if (!(path in devices)) throw Object.assign(new Error(`ENOENT, stat '${path}'`), { code: 'ENOENT', errno: -2 });
    },
    kernelBackend: async (device) => {
      log.push(`open ${device}`);
      const state = devices[device] ?? Object.assign(new Error('no such file'), { code: 'ENOENT', errno: -2 });
      if (state !== 'good') throw state;
      return kernel;
    },
    userBackend: (maxSessions) => {
      log.push(`node ${maxSessions ?? ''}`.trim());
      return user;
    },
  };
  return { log, parts };
}

const errno = (code: string, number: number): PoolError =>
  new PoolError(code, 'open failed', { errno: number, syscall: 'open' });

describe('selectBackend', () => {
  it.each([
    // options, environment, device there, backend, what was asked of the machine
    [{}, {}, true, 'kernel', ['stat /dev/pool', 'open /dev/pool']],
    [{}, {}, false, 'user', ['stat /dev/pool', 'node']],
    [{ backend: 'user' }, {}, true, 'user', ['node']],
    [{ backend: 'kernel' }, {}, true, 'kernel', ['open /dev/pool']],
    [{ backend: 'auto' }, { POOL_BACKEND: 'user' }, true, 'kernel', ['stat /dev/pool', 'open /dev/pool']],
    [{}, { POOL_BACKEND: 'user' }, true, 'user', ['node']],
    [{}, { POOL_BACKEND: 'kernel' }, true, 'kernel', ['open /dev/pool']],
    [{}, { POOL_BACKEND: '' }, true, 'kernel', ['stat /dev/pool', 'open /dev/pool']],
    [{}, { POOL_DEVICE: '/run/pool' }, true, 'user', ['stat /run/pool', 'node']],
    [{ device: '/dev/pool' }, { POOL_DEVICE: '/run/pool' }, true, 'kernel', ['stat /dev/pool', 'open /dev/pool']],
    [{ backend: 'user', maxSessions: 8 }, {}, true, 'user', ['node 8']],
  ] as [Partial<BackendPreference>, Record<string, string>, boolean, string, string[]][])(
    '%o, %o, device there: %s: %s',
    async (wish, env, there, expected, asked) => {
      const { log, parts } = machine(there ? { '/dev/pool': 'good' } : {}, env);
      expect((await selectBackend({ ...NOTHING, ...wish }, parts)).name).toBe(expected);
      expect(log).toEqual(asked);
    },
  );

  it.each([
    [errno('EACCES', 13), 'EACCES', 13, /may not open \/dev\/pool .*or pass backend: 'user'/],
    [errno('ENXIO', 6), 'ENXIO', 6, /no POOL device at \/dev\/pool: load the kernel module.*backend: 'user'/],
    [
      Object.assign(new Error('socket is not connected, stat'), { code: 'ENOTCONN', errno: -107, syscall: 'stat' }),
      'ENOTCONN',
      107,
      /the program that served \/dev\/pool has ended.*backend: 'user'/,
    ],
    [errno('ENOTTY', 25), 'ENOTTY', 25, /^open failed$/],
    [new Error('no binary of koffi'), 'EIO', undefined, /no binary of koffi; or pass backend: 'user'/],
  ])(
    'a device that is there and fails is an error, never the other backend: %s',
    async (state, code, number, message) => {
      const { log, parts } = machine({ '/dev/pool': state });
      for (const backend of ['auto', 'kernel'] as const) {
        const error = await rejection(selectBackend({ ...NOTHING, backend }, parts));
        expect(error).toBeInstanceOf(PoolError);
        expect(error.code).toBe(code);
        expect((error as PoolError).errno).toBe(number === undefined ? undefined : -number);
        expect(error.message).toMatch(message);
      }
      expect(log).not.toContain('node');
    },
  );

  it('a missing device is an error for who asks for the kernel backend, and says what to do', async () => {
    const { parts } = machine({});
    const error = await rejection(selectBackend({ ...NOTHING, backend: 'kernel', device: '/x' }, parts));
    expect(error).toMatchObject({ code: 'ENOENT', errno: -2 });
    expect(error.message).toMatch(/at \/x: load the kernel module \(pool\.ko\), or pass backend: 'user'/);
  });

  it('a folder that may not be looked into is an error as well', async () => {
    const { log, parts } = machine({});
    const stat = () =>
      Promise.reject(Object.assign(new Error('denied'), { code: 'EACCES', errno: -13, syscall: 'stat' }));
    const error = await rejection(selectBackend(NOTHING, { ...parts, stat }));
    expect(error).toMatchObject({ code: 'EACCES', errno: -13, syscall: 'stat' });
    expect(log).toEqual([]);
  });

  describe("where the runtime's permissions forbid to look for a device", () => {
    const denied = [
      Object.assign(new Error('Access to this API has been restricted'), { code: 'ERR_ACCESS_DENIED' }),
      Object.assign(new Error('Requires all access to "/dev/pool"'), { name: 'NotCapable' }),
    ];

    it.each(denied)('the node in user space does the work: %s', async (error) => {
      const { log, parts } = machine({});
      const backend = await selectBackend(NOTHING, { ...parts, stat: () => Promise.reject(error) });
      expect(backend.name).toBe('user');
      expect(log).toEqual(['node']);
    });

    it.each(denied)('one that is named is an error all the same: %s', async (reason) => {
      for (const [wish, env] of [
        [{ device: '/dev/pool' }, {}],
        [{}, { POOL_DEVICE: '/run/pool' }],
      ] as const) {
        const { log, parts } = machine({}, env);
        const stat = () => Promise.reject(reason);
        const error = await rejection(selectBackend({ ...NOTHING, ...wish }, { ...parts, stat }));
        expect(error.message).toContain(`can't be used: ${reason.message}; or pass backend: 'user'`);
        expect(log).toEqual([]);
      }
    });
  });

  it.each(['cloud', 'USER', ' user'])('refuses POOL_BACKEND=%j', async (value) => {
    const error = await rejection(selectBackend(NOTHING, machine({}, { POOL_BACKEND: value }).parts));
    expect(error.code).toBe('ERR_INVALID_ARG_VALUE');
    expect(error.message).toContain('POOL_BACKEND');
  });

  it('publishes what it chose and why', async () => {
    const seen: unknown[] = [];
    const see = (message: unknown): void => void seen.push(message);
    subscribe('pool.backend.select', see);
    try {
      await selectBackend(NOTHING, machine({}).parts);
      await selectBackend(NOTHING, machine({ '/dev/pool': 'good' }).parts);
      await selectBackend({ ...NOTHING, backend: 'user' }, machine({}).parts);
    } finally {
      unsubscribe('pool.backend.select', see);
    }
    expect(seen).toMatchObject([
      { backend: 'user', device: '/dev/pool', reason: expect.stringContaining('does not exist') as string },
      { backend: 'kernel', device: '/dev/pool', reason: '/dev/pool exists' },
      { backend: 'user', reason: expect.stringContaining('asked for') as string },
    ]);
  });
});
