import { describe, expect, it } from 'vitest';
import { type ClosableTable, closeInTable } from '../../../src/cli/sessions/close-session.js';
import { PoolError } from '../../../src/index.js';
import { info } from './sessions.js';

const thread = { pid: 77, name: 'pool_rx_1' };

function device(options: { module: boolean; state?: number; fails?: Error }) {
  const calls: { index: number; thread?: unknown }[] = [];
  const table: ClosableTable = {
    path: '/dev/pool',
    isCharacterDevice: options.module,
    sessions: async () => [info(0), info(1, { state: options.state ?? 3 })],
    closeSession: async (index, { thread: of }) => {
      calls.push({ index, thread: of });
      if (options.fails) throw options.fails;
    },
  };
  return { table, calls };
}

const found = () => thread;

describe('closing a session', () => {
  it('closes one of a device served from user space, which has no threads to look for', async () => {
    const { table, calls } = device({ module: false });
    expect(await closeInTable(table, 1, () => null)).toMatchObject({ index: 1, address: '192.168.200.101' });
    expect(calls).toEqual([{ index: 1, thread: undefined }]);
  });

  it('gives the call on the module the thread that has to be there still', async () => {
    const { table, calls } = device({ module: true });
    await closeInTable(table, 1, found);
    expect(calls).toEqual([{ index: 1, thread }]);
  });

  // Kernel contract, section 4, hazard 2: each of these calls would crash the machine, or might.
  it.each([
    { what: 'whose receiver thread is gone', state: 3, find: () => null, says: /thread has ended.*crash the kernel/ },
    { what: 'whose threads cannot be seen', state: 3, find: () => undefined, says: /can't be seen/ },
    { what: 'that its peer is closing', state: 5, find: found, says: /its peer closes it/ },
    { what: 'whose handshake is under way', state: 0, find: () => null, says: /left alone/ },
  ])('leaves one on the module alone $what', async ({ state, find, says }) => {
    const { table, calls } = device({ module: true, state });
    await expect(closeInTable(table, 1, find)).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(says) as string,
    });
    expect(calls).toEqual([]);
  });

  it('looks for the thread of that slot', async () => {
    const names: string[] = [];
    const { table } = device({ module: true });
    await closeInTable(table, 1, (name) => {
      names.push(name);
      return thread;
    });
    expect(names).toEqual(['pool_rx_1']);
  });

  it('tells of a thread that ended right before the call, of a peer that does not read, and of an empty slot', async () => {
    const gone = device({ module: true, fails: new PoolError('ESRCH', 'no such thread') });
    await expect(closeInTable(gone.table, 1, found)).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/left alone/) as string,
    });
    const stuck = device({ module: false, fails: new PoolError('ERR_POOL_TIMEOUT', 'late') });
    await expect(closeInTable(stuck.table, 1, found)).rejects.toMatchObject({
      exitCode: 75,
      message: expect.stringMatching(/does not read/) as string,
    });
    const { table, calls } = device({ module: false });
    await expect(closeInTable(table, 9, found)).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/slot 9 .* no session/) as string,
    });
    expect(calls).toEqual([]);
  });
});
