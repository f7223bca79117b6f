import { expect, it } from 'vitest';
import { PoolError } from '../../../../src/base/errors.js';
import type { CloseSessionOptions } from '../../../../src/poolioc/types.js';
import { LeakedSlots } from '../../../../src/pool/kernel/table/leaked-slots.js';
import type { SessionRecord } from '../../../../src/pool/kernel/table/table-row.js';
import { DeviceTable } from '../../../../src/pool/kernel/table/device-table.js';
import { servedProbe, type SessionProbe } from '../../../../src/pool/kernel/session/session-probe.js';
import { SlotCloser, type CloseOutcome } from '../../../../src/pool/kernel/session/slot-closer.js';
import { ManualClock, settle } from '../manual-clock.js';
import { errno } from '../scripted-device.js';

const SESSION = { index: 0, id: 'a', pair: false };
const RECORD = { index: 0, id: 'a', state: 'ESTABLISHED' } as SessionRecord;

/** CLOSE_SESS that ends when a test says so. */
function closerOf(read = () => Promise.resolve([RECORD]), probe: SessionProbe = servedProbe) {
  const clock = new ManualClock();
  const leaks = new LeakedSlots('/dev/pool', () => {});
  const calls: { end: () => void; fail: (error: unknown) => void; how: CloseSessionOptions }[] = [];
  const closer = new SlotCloser({
    closeSession: (_, how) => new Promise((resolve, reject) => calls.push({ end: resolve, fail: reject, how })),
    table: new DeviceTable(read, clock),
    probe,
    leaks,
    clock,
  });
  return { closer, clock, leaks, calls };
}

it.each([
  { how: 'closes after all', error: null, count: 0 },
  { how: 'finds no receiver thread then (hazard 2)', error: errno('ESRCH'), count: 1 },
])('counts a slot whose CLOSE_SESS is stuck, until it $how: $count', async ({ error, count }) => {
  const { closer, clock, leaks, calls } = closerOf();
  const closing = closer.close(SESSION, 1000);
  await clock.advance(1000);
  expect([(await closing).outcome, leaks.count]).toEqual(['late', 1]);
  if (error === null) calls[0]!.end();
  else calls[0]!.fail(error);
  await settle();
  expect(leaks.count).toBe(count);
});

// Kernel contract, hazard 2: it is closed only where that end is still there.
it('tells that the other end was seen, which a session that has just come was not asked for', async () => {
  const { closer, calls } = closerOf(() => Promise.resolve([RECORD, { ...RECORD, index: 1 }]));
  const closing = closer.close(SESSION, 1000);
  await settle();
  expect(calls[0]!.how.pair).toBe(true);
  calls[0]!.end();
  await closing;
});

const moduleProbe: SessionProbe = {
  ...servedProbe,
  module: true,
  mayClose: () => ({ safe: true, thread: { pid: 70, name: 'pool_rx_0' } }),
};

// A slot of the module that is given up is lost until a reboot.
it.each<[code: string, onModule: CloseOutcome, served: CloseOutcome]>([
  ['ESRCH', 'leaked', 'leaked'],
  ['EBUSY', 'waiting', 'waiting'],
  ['ENOENT', 'gone', 'gone'],
  ['ERR_POOL_CLOSED', 'gone', 'gone'],
  // No descriptor for the look, a thread that could not be started, no memory for a lock.
  ['EAGAIN', 'failed', 'gone'],
  ['ERR_WORKER_INIT_FAILED', 'failed', 'gone'],
  ['EIO', 'failed', 'gone'],
  ['ENOLCK', 'failed', 'gone'],
])('comes to what %s says: %s on the module, %s on a served device', async (code, onModule, served) => {
  for (const [probe, expected] of [
    [moduleProbe, onModule],
    [servedProbe, served],
  ] as const) {
    const { closer, leaks, calls } = closerOf(undefined, probe);
    const closing = closer.close(SESSION, 1000);
    await settle();
    calls[0]!.fail(new PoolError(code, 'failed'));
    expect((await closing).outcome).toBe(expected);
    expect(leaks.count).toBe(expected === 'gone' ? 0 : 1);
  }
});

it('makes no call where the receiver thread can’t be looked for, and gives nothing up', async () => {
  const mayClose = () => {
    throw new PoolError('EMFILE', 'no descriptor is left');
  };
  const { closer, leaks, calls } = closerOf(undefined, { ...moduleProbe, mayClose });
  const { outcome, over } = await closer.close(SESSION, 1000);
  expect([outcome, await over, calls.length, leaks.count]).toEqual(['failed', 'failed', 0, 1]);
});

it('closes nothing where the table can’t be read, and what is in the slot is unknown', async () => {
  const { closer, calls } = closerOf(() => Promise.reject(errno('ENOTCONN')));
  expect(await closer.close(SESSION, 1000)).toMatchObject({ outcome: 'gone' });
  expect(calls).toHaveLength(0);
});
