import { describe, expect, it } from 'vitest';
import { ChannelPoller } from '../../../../src/pool/kernel/session/channel-poller.js';
import { ReceiveScheduler, type Received } from '../../../../src/pool/kernel/session/receive-scheduler.js';
import { Snapshot } from '../../../../src/pool/kernel/table/device-table.js';
import type { SessionRecord } from '../../../../src/pool/kernel/table/table-row.js';
import { Slot, type Recipient } from '../../../../src/pool/kernel/session/slot.js';
import { ManualClock, settle } from '../manual-clock.js';

/** A session that writes down what it gets. */
class Taker implements Recipient {
  readonly channels = new ChannelPoller();
  readonly got: string[] = [];
  wants = true;
  patience: number | undefined;

  constructor(readonly id: string) {}

  message(channel: number, data: Uint8Array): void {
    this.got.push(`${channel}:${Buffer.from(data).toString()}`);
  }

  quiet(): void {
    this.got.push('quiet');
  }

  failed(): void {
    this.got.push('failed');
    this.wants = false;
  }
}

/** RECVs that give a message, or end, when a test says so; `occupant` is the session that the table shows. */
function schedulerOf(count = 16, latest = new Snapshot([])) {
  const calls: { index: number; channel: number; end(received: Received | string): void; stopped: boolean }[] = [];
  const table = { occupant: 'b' };
  const clock = new ManualClock();
  const scheduler = new ReceiveScheduler({
    receive: (index, channel, { message }) => {
      let end = (_: Received): void => {};
      const done = new Promise<Received>((resolve) => (end = resolve));
      const call = {
        index,
        channel,
        stopped: false,
        end: (received: Received | string): void => {
          if (typeof received === 'string') message(Buffer.from(received));
          else end(received);
        },
      };
      calls.push(call);
      const stop = (): void => {
        call.stopped = true;
        end({ kind: 'nothing' });
      };
      return { done, stop };
    },
    occupant: () => Promise.resolve(table.occupant),
    latest: () => latest,
    parked: () => {},
    clock,
    threads: count,
  });
  return { scheduler, calls, table, clock };
}

describe('one receiver per slot (kernel contract, hazard 4)', () => {
  it('hands what an old call gets to the slot’s new owner', async () => {
    const { scheduler, calls } = schedulerOf();
    const [slot, a, b] = [new Slot(0), new Taker('a'), new Taker('b')];
    await slot.give(a);
    scheduler.ready(slot);
    await settle();
    await slot.give(b);
    calls[0]!.end('hello');
    await settle();
    expect([a.got, b.got]).toEqual([[], ['0:hello']]);
  });

  it('does not end the new owner’s session by the old call’s error', async () => {
    const { scheduler, calls } = schedulerOf();
    const [slot, a, b] = [new Slot(0), new Taker('a'), new Taker('b')];
    await slot.give(a);
    scheduler.ready(slot);
    await settle();
    await slot.give(b);
    calls[0]!.end({ kind: 'failed', error: new Error('ECONNRESET') });
    await settle();
    expect([a.got, b.got]).toEqual([[], []]);
    expect(calls).toHaveLength(2);
  });

  it('does not tell the new owner that its queue is empty, which the old call can’t know', async () => {
    const { scheduler, calls } = schedulerOf();
    const [slot, a, b] = [new Slot(0), new Taker('a'), new Taker('b')];
    await slot.give(a);
    scheduler.ready(slot);
    await settle();
    await slot.give(b);
    calls[0]!.end({ kind: 'nothing' });
    await settle();
    expect([a.got, b.got]).toEqual([[], []]);
    calls[1]!.end({ kind: 'nothing' });
    await settle();
    expect([a.got, b.got]).toEqual([[], ['quiet']]);
  });

  it('is given up only when its call is out, so that the slot may be closed', async () => {
    const slot = new Slot(0);
    let out = (): void => {};
    const done = new Promise<void>((resolve) => (out = resolve));
    const stop = (): void => void (call.stopped = true);
    const call = { channel: 0, since: 0, stopped: false, stop, done };
    slot.call = call;
    let left = false;
    void schedulerOf()
      .scheduler.leave(slot)
      .then(() => (left = true));
    await settle();
    expect([call.stopped, left]).toEqual([true, false]);
    out();
    await settle();
    expect(left).toBe(true);
  });

  it('makes no second call while one is under way, however often it is asked to', async () => {
    const { scheduler, calls } = schedulerOf();
    const [slot, a, b] = [new Slot(0), new Taker('a'), new Taker('b')];
    await slot.give(a);
    for (let i = 0; i < 3; i += 1) scheduler.ready(slot);
    await slot.give(b);
    for (let i = 0; i < 3; i += 1) scheduler.ready(slot);
    await settle();
    expect(calls).toHaveLength(1);
  });

  it.each([
    ['b', ['0:early']],
    ['somebody else', []],
  ])('keeps a message without an owner for the session that had the slot then (%s)', async (occupant, expected) => {
    const { scheduler, calls, table } = schedulerOf();
    const [slot, a, b] = [new Slot(0), new Taker('a'), new Taker('b')];
    await slot.give(a);
    scheduler.ready(slot);
    await settle();
    table.occupant = occupant;
    slot.recipient = null;
    calls[0]!.end('early');
    await settle();
    await slot.give(b);
    expect([a.got, b.got]).toEqual([[], expected]);
  });
});

describe('places', () => {
  it('go to those who have news, from those who wait', async () => {
    const { scheduler, calls, clock } = schedulerOf(1);
    const slots = [new Slot(0), new Slot(1)];
    for (const slot of slots) await slot.give(new Taker(`${slot.index}`));
    for (const slot of slots) scheduler.ready(slot);
    await settle();
    expect(calls.map(({ index }) => index)).toEqual([0]);
    await clock.advance(10);
    expect(calls[0]!.stopped).toBe(true);
    expect(calls.map(({ index }) => index)).toEqual([0, 1]);
  });

  it('go on to others after a while of receiving in a row', async () => {
    const { scheduler, calls, clock } = schedulerOf(1);
    const slots = [new Slot(0), new Slot(1)];
    for (const slot of slots) await slot.give(new Taker(`${slot.index}`));
    scheduler.ready(slots[0]!);
    await settle();
    scheduler.ready(slots[1]!);
    let given = 0;
    for (; given < 12 && calls.at(-1)?.index === 0; given += 1) {
      clock.jump(1);
      calls.at(-1)!.end('x');
      await settle();
    }
    expect(calls.at(-1)?.index).toBe(1);
    expect(given).toBeGreaterThan(5);
  });

  it('are kept by those who wait, while nobody else wants them', async () => {
    const { scheduler, calls, clock } = schedulerOf(1);
    const slot = new Slot(0);
    await slot.give(new Taker('a'));
    scheduler.ready(slot);
    await clock.advance(60_000);
    expect(calls).toHaveLength(1);
    expect(calls[0]!.stopped).toBe(false);
  });

  it('say nothing of the queue when they are taken back', async () => {
    const { scheduler } = schedulerOf();
    const [slot, a] = [new Slot(0), new Taker('a')];
    await slot.give(a);
    scheduler.ready(slot);
    await settle();
    scheduler.nudge(slot);
    await settle();
    expect(a.got).toEqual([]);
  });

  it('say nothing of the queue either where no thread came to ask, and are asked again', async () => {
    const { scheduler, calls } = schedulerOf();
    const [slot, a] = [new Slot(0), new Taker('a')];
    a.patience = 50;
    await slot.give(a);
    scheduler.ready(slot);
    await settle();
    calls[0]!.end({ kind: 'nothing', looked: false });
    await settle();
    expect([a.got, calls.length]).toEqual([[], 2]);
    calls[1]!.end({ kind: 'nothing' });
    await settle();
    expect(a.got).toEqual(['quiet']);
  });

  it('do not spin where another process receives on the same session', async () => {
    const { scheduler, calls, clock } = schedulerOf();
    const slot = new Slot(0);
    await slot.give(new Taker('a'));
    scheduler.ready(slot);
    await settle();
    for (let i = 0; i < 5; i += 1) {
      calls.at(-1)!.end({ kind: 'elsewhere' });
      await settle();
      expect(calls).toHaveLength(i + 1);
      await clock.advance(10);
    }
  });
});

describe('a RECV that was taken back', () => {
  it('may never have looked: its session is asked again, though its counter stands still', async () => {
    // Both are full: nothing more is read from their peers, and the table shows that all the time.
    const table = new Snapshot([0, 1].map((index) => ({ index, id: `${index}`, packetsRecv: 9n }) as SessionRecord));
    const { scheduler, calls, clock } = schedulerOf(1, table);
    const slots = [new Slot(0), new Slot(1)] as const;
    for (const [at, slot] of slots.entries()) await slot.give(new Taker(`${at}`));
    scheduler.ready(slots[0]);
    await settle();
    scheduler.ready(slots[1]);
    // The one place goes from the first session to the second, and nothing tells of messages on the first.
    await clock.advance(10);
    expect(calls.map(({ index }) => index)).toEqual([0, 1]);
    let asked = 0;
    for (let look = 0; look < 100 && asked === 0; look += 1) {
      await clock.advance(5);
      scheduler.table(table);
      await settle();
      asked = calls.slice(2).filter(({ index }) => index === 0).length;
    }
    expect(asked).toBe(1);
  });
});
