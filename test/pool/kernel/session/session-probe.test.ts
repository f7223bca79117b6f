import { describe, expect, it } from 'vitest';
import { ReceiverThreads } from '../../../../src/pool/kernel/session/thread-lookup.js';
import { toRecord, type SessionRecord } from '../../../../src/pool/kernel/table/table-row.js';
import { ModuleProbe, servedProbe } from '../../../../src/pool/kernel/session/session-probe.js';
import { ManualClock } from '../manual-clock.js';

const record = (state: SessionRecord['state'], packetsRecv: bigint): SessionRecord =>
  ({ index: 0, id: 'a', state, packetsRecv }) as SessionRecord;

/** The module's signs where /proc shows these files. */
function probeOf(files: Record<string, string>): ModuleProbe {
  const threads = new ReceiverThreads({ read: (path) => files[path] ?? null, list: () => [] });
  return new ModuleProbe(threads, new ManualClock());
}

/** The same, in a process that has no descriptor left when `full` says so. */
function probeWithout(files: Record<string, string>) {
  const descriptors = { full: false };
  const read = (path: string): string | null => {
    if (descriptors.full) throw new Error('EMFILE');
    return files[path] ?? null;
  };
  return { descriptors, probe: new ModuleProbe(new ReceiverThreads({ read, list: () => [] }), new ManualClock()) };
}

const VISIBLE = { '2/comm': 'kthreadd', '2/task/2/children': '' };
const RUNNING = {
  '2/comm': 'kthreadd',
  '2/task/2/children': '70',
  '70/comm': 'pool_rx_0',
  '70/stat': '70 (pool_rx_0) S 2 0',
};

describe('a real session of the module (kernel contract, section 3)', () => {
  it.each([
    { sign: 'its thread runs', files: RUNNING, state: 'ESTABLISHED', packets: 2n, real: true },
    // The table was read before: the session may be the slot's next one, whose thread that is.
    { sign: 'a thread runs, one packet', files: RUNNING, state: 'ESTABLISHED', packets: 1n, real: false },
    { sign: 'no thread runs, whatever was received', files: VISIBLE, state: 'ESTABLISHED', packets: 9n, real: false },
    { sign: 'threads are invisible, two packets', files: {}, state: 'ESTABLISHED', packets: 2n, real: true },
    { sign: 'threads are invisible, one packet', files: {}, state: 'ESTABLISHED', packets: 1n, real: false },
    // Raw packets take slots that stay in this state.
    { sign: 'state IDLE', files: RUNNING, state: 'IDLE', packets: 9n, real: false },
    { sign: 'state CLOSING', files: RUNNING, state: 'CLOSING', packets: 9n, real: false },
  ] as const)('$sign: $real', ({ files, state, packets, real }) => {
    const probe = probeOf(files);
    const one = record(state, packets);
    probe.prepare([one]);
    expect(probe.established(one)).toBe(real);
  });

  it('is found at every look while it is young, for a few reads, once a second later, and seldom among all threads', async () => {
    const world: Record<string, string> = {
      ...VISIBLE,
      '2/task/2/children': '3 4',
      '3/comm': 'rcu_gp',
      '4/comm': 'mm',
    };
    const reads: string[] = [];
    const read = (path: string): string | null => {
      reads.push(path);
      return world[path] ?? null;
    };
    const clock = new ManualClock();
    const probe = new ModuleProbe(new ReceiverThreads({ read, list: () => [] }), clock);
    const one = record('ESTABLISHED', 2n);
    probe.prepare([one]);
    expect(reads).toContain('3/comm');
    reads.length = 0;
    probe.prepare([one]);
    expect(probe.established(one)).toBe(false);
    expect(reads.filter((path) => path.endsWith('/comm'))).toEqual(['2/comm', '2/comm']);
    const [looks, all]: [number[], number[]] = [[], []];
    for (let second = 1; second <= 31; second += 1) {
      await clock.advance(1000);
      reads.length = 0;
      probe.prepare([one]);
      if (reads.includes('2/task/2/children')) looks.push(second);
      if (reads.includes('3/comm')) all.push(second);
    }
    expect(looks).toHaveLength(31);
    expect(all).toEqual([30]);
    Object.assign(world, RUNNING, { '2/task/2/children': '3 4 70' });
    await clock.advance(999);
    probe.prepare([one]);
    expect(probe.established(one)).toBe(false);
    await clock.advance(1);
    probe.prepare([one]);
    expect(probe.established(one)).toBe(true);
  });

  it('has a state that is known: another number is no session yet', () => {
    const row = { index: 0, state: 9, sessionId: new Uint8Array(16) } as Parameters<typeof toRecord>[0];
    expect(toRecord(row).state).toBe('IDLE');
  });
});

describe('a session of a served device', () => {
  it.each(['IDLE', 'INIT_SENT', 'CHALLENGED', 'REKEYING', 'CLOSING'] as const)('is not new in state %s', (state) => {
    expect(servedProbe.established(record(state, 9n))).toBe(false);
  });
});

describe('a process that has no descriptor left', () => {
  it('takes no session for dead, none for living, and none for one that must be left for good', () => {
    const { descriptors, probe } = probeWithout(RUNNING);
    const one = record('ESTABLISHED', 9n);
    probe.prepare([one]);
    descriptors.full = true;
    expect(probe.receiverGone(0)).toBe(false);
    for (const look of [() => probe.prepare([one]), () => probe.established(one), () => probe.mayClose(0)]) {
      expect(look).toThrow('EMFILE');
    }
    expect(probe.livesSeen).toBe(true);
    descriptors.full = false;
    expect([probe.established(one), probe.mayClose(0)]).toMatchObject([true, { safe: true }]);
  });
});
