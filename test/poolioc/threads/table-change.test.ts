import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { CallMemory } from '../../../src/poolioc/threads/call-memory.js';
import { CHANNEL_TABLE_CHANGE, TABLE_CHANGE_MESSAGES } from '../../../src/poolioc/abi/constants.js';
import { POOL_IOC_CHANNEL, POOL_IOC_SESSIONS } from '../../../src/poolioc/abi/ioctl.js';
import { callOutcome } from '../../../src/poolioc/threads/thread-request.js';
import { COST_FACTOR, watchTable, watchTableRequest } from '../../../src/poolioc/threads/table-change.js';
import { type Step, scripted } from '../scripted.js';

const STRIDE = 120;

interface Row {
  index: number;
  id: number;
  state?: number;
  packets?: number;
  /** The row's last byte. */
  last?: number;
}

/** SESSIONS' bytes; layout of kernel contract, section 1. */
function rows(list: Row[]): Buffer {
  const bytes = Buffer.alloc(list.length * STRIDE);
  for (const [n, { index, id, state = 3, packets = 9, last = 0 }] of list.entries()) {
    const at = n * STRIDE;
    bytes.writeUInt32LE(index, at);
    bytes[at + 23] = state;
    bytes.fill(id, at + 24, at + 40);
    bytes.writeBigUInt64LE(BigInt(packets), at + 64);
    bytes.writeBigUInt64LE(BigInt(packets) * 100n, at + 48);
    bytes[at + STRIDE - 1] = last;
  }
  return bytes;
}

describe('a thread that looks at the table', () => {
  /** Watches tables that come one after the other, the last again and again, for `looks` looks at most. */
  interface Watching {
    counters?: boolean;
    cost?: number;
    known?: Row[] | null;
    looks?: number;
  }

  function watch(tables: Row[][], { counters = false, cost = 0, known = tables[0]!, looks = 20 }: Watching = {}) {
    const memory = new CallMemory();
    const pauses: number[] = [];
    let now = 0;
    let at = 0;
    const libc = {
      address: () => 0x1000n,
      ioctl: () => {
        const table = rows(tables[Math.min(at, tables.length - 1)]!);
        at += 1;
        now += cost;
        memory.data.set(table);
        memory.struct.writeUInt32LE(table.length / STRIDE, 0);
        return { ret: 0, errno: 0 };
      },
    };
    const surroundings = {
      stopped: () => at >= looks,
      pause: (ms: number) => void pauses.push(ms),
      now: () => now,
    };
    const go = (digest: Uint8Array | null) => {
      const request = watchTableRequest(77, digest, { interval: 25, counters });
      memory.struct.fill(0);
      request.fill!(memory, libc as never);
      if (request.call.kind !== 'watch') throw new Error('not an order to watch');
      const answer = watchTable(request.call, memory, libc, surroundings);
      return { answer, digest: callOutcome(request, answer, memory).value };
    };
    const first = known === null ? null : go(null).digest!;
    pauses.length = 0;
    const { answer } = go(first);
    return { changed: answer.ret >= 0, errno: answer.errno, looks: at - (known === null ? 0 : 1), pauses };
  }

  const one = { index: 0, id: 1 };

  it('comes back with the first look where nothing is known', () => {
    expect(watch([[one]], { known: null })).toMatchObject({ changed: true, looks: 1 });
  });

  it.each<[string, Row[], Row[]]>([
    ['a session comes', [one], [one, { index: 1, id: 2 }]],
    ['a session goes', [one, { index: 1, id: 2 }], [one]],
    ['the first one comes', [], [one]],
    ['the last one goes', [one], []],
    ['a state changes', [one], [{ ...one, state: 5 }]],
    ['a slot has another session', [one], [{ ...one, id: 2 }]],
    ['the second packet of a handshake comes', [{ ...one, packets: 1 }], [{ ...one, packets: 2 }]],
    ['something comes after the handshake', [{ ...one, packets: 2 }], [{ ...one, packets: 3 }]],
  ])('comes back when %s', (_name, before, after) => {
    expect(watch([before, before, before, after])).toMatchObject({ changed: true, looks: 3 });
  });

  it('does not come back for counters that nobody wants to know', () => {
    const counting = Array.from({ length: 30 }, (_, n) => [{ ...one, packets: 9 + n }]);
    expect(watch(counting)).toMatchObject({ changed: false, errno: constants.errno.EINTR });
    expect(watch(counting, { counters: true })).toMatchObject({ changed: true, looks: 1 });
  });

  it('sees a table whose last byte is the sentinel', () => {
    const hidden = [{ index: 0, id: 2, last: 0xa5 }];
    // One look doesn't tell how long the rows are, the next one fills the memory with something else.
    expect(watch([[one], [one], hidden])).toMatchObject({ changed: true, looks: 3 });
  });

  it('pauses for the interval, and longer where a look costs much', () => {
    expect(new Set(watch([[one]], { looks: 6 }).pauses)).toEqual(new Set([25]));
    expect(new Set(watch([[one]], { looks: 6, cost: 40 }).pauses)).toEqual(new Set([40 * COST_FACTOR]));
  });
});

describe('tableChange', () => {
  const table = (list: Row[]): Step => ({ struct: [0, list.length], data: [...rows(list)] });
  const tell = (number: number, port: number): Step => ({
    struct: [8, port & 0xff, port >> 8, 0, 0, 0, 0, 0, 0, number],
  });

  it('asks a device that tells, and names what it knows', async () => {
    const { script, device } = await scripted({ [POOL_IOC_CHANNEL]: [tell(7, 9253), tell(8, 0), tell(9, 0)] });
    const first = await device.tableChange(null);
    expect(first).toEqual({ number: 7n, port: 9253, digest: null });
    const second = await device.tableChange(first);
    expect(second).toEqual({ number: 8n, port: 0, digest: null });
    const asked = script.struct(POOL_IOC_CHANNEL);
    expect([asked[4], asked[5], asked.readBigUInt64LE(16)]).toEqual([0, CHANNEL_TABLE_CHANGE, 7n]);
    expect(script.calls(POOL_IOC_SESSIONS)).toBe(0);
    await device.tableChange(second, { counters: true });
    expect(script.struct(POOL_IOC_CHANNEL)[4]).toBe(TABLE_CHANGE_MESSAGES);
    await device.close();
  });

  it.each(['EINVAL', 'ENOENT', 'ENOTTY'] as const)(
    'looks by itself where a device says %s, and asks once',
    async (code) => {
      const { script, device } = await scripted({
        [POOL_IOC_CHANNEL]: [{ ret: -1, errno: constants.errno[code] }],
        [POOL_IOC_SESSIONS]: [table([]), table([]), table([{ index: 0, id: 1 }])],
      });
      const first = await device.tableChange(null, { interval: 1 });
      const second = await device.tableChange(first, { interval: 1 });
      expect(second.digest).not.toEqual(first.digest);
      expect([script.calls(POOL_IOC_CHANNEL), script.calls(POOL_IOC_SESSIONS)]).toEqual([1, 3]);
      await device.close();
    },
  );

  it('never asks the module, whose CHANNEL is another', async () => {
    const { script, device } = await scripted({ [POOL_IOC_SESSIONS]: [table([])] }, { module: true });
    await device.tableChange(null);
    expect(script.calls(POOL_IOC_CHANNEL)).toBe(0);
    await device.close();
  });

  it('is taken back at once from a pause between two looks', async () => {
    const { device } = await scripted({ [POOL_IOC_SESSIONS]: [table([])] }, { module: true });
    const known = await device.tableChange(null);
    const abort = new AbortController();
    // A pause that outlasts every test.
    const waiting = device.tableChange(known, { interval: 3_600_000, signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await device.close();
  });

  it('passes on what is wrong with the device', async () => {
    const gone = { ret: -1, errno: constants.errno.ECONNABORTED };
    const { device } = await scripted({ [POOL_IOC_CHANNEL]: [gone] });
    await expect(device.tableChange(null)).rejects.toMatchObject({ code: 'ECONNABORTED', syscall: 'ioctl' });
    await device.close();
  });

  it('refuses an interval that is none', async () => {
    const { device } = await scripted({});
    for (const interval of [0, -1, NaN, Infinity]) {
      await expect(device.tableChange(null, { interval })).rejects.toMatchObject({ code: 'ERR_OUT_OF_RANGE' });
    }
    await expect(device.tableChange(null, { interval: '5' as never })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARG_TYPE',
    });
    await device.close();
  });
});
