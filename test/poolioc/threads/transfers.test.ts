import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import type { PoolError } from '../../../src/base/errors.js';
import { POOL_IOC_CLOSE_SESS, POOL_IOC_CONNECT, POOL_IOC_RECV, POOL_IOC_SEND } from '../../../src/poolioc/abi/ioctl.js';
import { scripted, until } from '../scripted.js';
import { uncaughtIn } from '../uncaught.js';

const { errno } = constants;
const message = (text: string) => ({ struct: [8, text.length, 0, 0, 0], data: [...Buffer.from(text)] });

/** What a transfer of messages received handed over. */
function taker() {
  const got: string[] = [];
  return { got, take: (data: Uint8Array): void => void got.push(Buffer.from(data).toString()) };
}

describe('a thread that receives', () => {
  it('hands over one message after the other, and ends by the errno that ends it', async () => {
    const { script, device } = await scripted({
      [POOL_IOC_RECV]: [message('one'), message('two'), message(''), { ret: -1, errno: errno.EAGAIN }],
    });
    const { got, take } = taker();
    const { done } = device.receiveMessages(3, 5, { message: take });
    await expect(done).rejects.toMatchObject({ code: 'EAGAIN', syscall: 'ioctl' });
    expect(got).toEqual(['one', 'two', '']);
    expect([...script.struct(POOL_IOC_RECV).subarray(0, 5)]).toEqual([3, 0, 0, 0, 5]);
    await device.close();
  });

  it('takes no more than it is asked for', async () => {
    const { script, device } = await scripted({ [POOL_IOC_RECV]: [message('m')] });
    const { got, take } = taker();
    expect(await device.receiveMessages(0, 0, { message: take, count: 200 }).done).toBe('count');
    expect(got).toHaveLength(200);
    expect(script.calls(POOL_IOC_RECV)).toBe(200);
    await device.close();
  });

  it('goes on after an interruption that nobody asked for', async () => {
    const { device } = await scripted({
      [POOL_IOC_RECV]: [{ ret: -1, errno: errno.EINTR }, message('m'), { ret: -1, errno: errno.ETIMEDOUT }],
    });
    const { got, take } = taker();
    await expect(device.receiveMessages(0, 0, { message: take }).done).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    expect(got).toEqual(['m']);
    await device.close();
  });

  it('is taken back by a signal, and what came before is there', async () => {
    const { script, device } = await scripted({ [POOL_IOC_RECV]: [message('m'), { block: true }] });
    const { got, take } = taker();
    const transfer = device.receiveMessages(0, 0, { message: take });
    await script.inside(1);
    transfer.stop();
    expect(await transfer.done).toBe('stopped');
    expect(got).toEqual(['m']);
    expect(script.signals).toBeGreaterThan(0);
    await device.close();
  });

  it('is taken back when its time is over, and says whether a thread has asked', async () => {
    const { script, device } = await scripted({ [POOL_IOC_RECV]: [{ block: true }] }, { limits: { receive: 1 } });
    const first = device.receiveMessages(0, 0, { message() {} });
    await script.inside(1);
    expect(await device.receiveMessages(1, 0, { message() {}, timeout: 1 }).done).toBe('unasked');
    first.stop();
    expect(await first.done).toBe('stopped');
    expect(script.calls(POOL_IOC_RECV)).toBe(1);
    // The thread is there now.
    expect(await device.receiveMessages(1, 0, { message() {}, timeout: 1000 }).done).toBe('timeout');
    expect(script.calls(POOL_IOC_RECV)).toBe(2);
    await device.close();
  });

  it('says that none has asked where the thread is still about to start', async () => {
    const { script, device } = await scripted({ [POOL_IOC_RECV]: [message('m')] });
    expect(await device.receiveMessages(1, 0, { message() {}, timeout: 0 }).done).toBe('unasked');
    expect(script.calls(POOL_IOC_RECV)).toBe(0);
    await device.close();
  });

  it('waits where nobody takes its messages, and comes back from that as well', async () => {
    const { script, device } = await scripted({ [POOL_IOC_RECV]: [message('m')] });
    const { got, take } = taker();
    const transfer = device.receiveMessages(0, 0, { message: take });
    // This thread is busy: the other one fills the ring, and then it waits.
    const clock = new Int32Array(new SharedArrayBuffer(4));
    for (let before = -1; before < 0 || before !== script.calls(POOL_IOC_RECV); ) {
      before = script.calls(POOL_IOC_RECV);
      Atomics.wait(clock, 0, 0, 200);
    }
    transfer.stop();
    expect(await transfer.done).toBe('stopped');
    // Every message that the device gave has been handed over.
    expect(got).toHaveLength(script.calls(POOL_IOC_RECV));
    await device.close();
  });

  it('hands over what comes after it was given up, on a device that answers no signal', async () => {
    const { script, device } = await scripted({ [POOL_IOC_RECV]: [{ block: true, deaf: 1e9, ...message('late') }] });
    const { got, take } = taker();
    const transfer = device.receiveMessages(0, 0, { message: take });
    await script.inside(1);
    transfer.stop();
    expect(await transfer.done).toBe('stopped');
    expect(got).toEqual([]);
    script.release();
    await until(() => got.length > 0);
    expect(got).toEqual(['late']);
    await device.close();
  });
});

describe('a function of the program that throws', () => {
  const fault = (): never => {
    throw new Error('fault of the program');
  };

  it('costs one message, and no transfer', async () => {
    const { script, device } = await scripted({
      [POOL_IOC_RECV]: [message('one'), message('two'), { block: true, deaf: 1e9, ret: -1, errno: errno.EAGAIN }],
    });
    const { got, take } = taker();
    const uncaught = await uncaughtIn(async () => {
      let first = true;
      const { done } = device.receiveMessages(0, 0, {
        message: (data) => {
          if (first) {
            first = false;
            fault();
          }
          take(data);
        },
      });
      const ended = done.catch((error: unknown) => (error as PoolError).code);
      await until(() => got.length === 1);
      script.release();
      expect(await ended).toBe('EAGAIN');
      await device.close();
    });
    expect([got, uncaught, script.closed]).toEqual([['two'], ['fault of the program'], 1]);
  });

  it('at the end of a transfer leaves neither the transfer nor its device open', async () => {
    const { script, device } = await scripted({ [POOL_IOC_RECV]: [message('m')] });
    const uncaught = await uncaughtIn(async () => {
      const sending = device.sendMessages(4, { sent: fault });
      for (let at = 0; at < 3; at += 1) expect(sending.push(0, Uint8Array.of(at))).toBe(true);
      expect(await sending.done).toMatchObject({ sent: 3 });
      const { done } = device.receiveMessages(0, 0, { message: fault, count: 3 });
      expect(await done).toBe('count');
      await device.close();
    });
    expect(new Set(uncaught)).toEqual(new Set(['fault of the program']));
    expect(script.closed).toBe(1);
  });

  it('gets what comes late, and leaves its thread to others', async () => {
    const { script, device } = await scripted({
      [POOL_IOC_RECV]: [{ block: true, deaf: 1e9, ...message('late') }],
      [POOL_IOC_CONNECT]: [{ block: true, deaf: 1e9, ret: 11 }],
    });
    const uncaught = await uncaughtIn(async () => {
      const givenUp = new AbortController();
      const how = { signal: givenUp.signal, onLate: fault };
      const calls = [
        device.recvBytes(0, 0, new Uint8Array(8), how),
        device.connect({ peerAddr: new Uint8Array(16), peerPort: 1 }, how),
      ];
      await script.inside(2);
      givenUp.abort();
      await Promise.allSettled(calls);
      const closed = device.close();
      script.release();
      await closed;
      await until(() => script.closed === 1);
    });
    expect(uncaught).toEqual(['fault of the program', 'fault of the program']);
  });
});

describe('a thread that sends', () => {
  /** What a transfer told, and a promise of its next word. */
  function teller() {
    const told: number[] = [];
    return { told, sent: (count: number): void => void told.push(count) };
  }

  it('sends one message after the other, tells how many went out, and ends when it has no more', async () => {
    const { script, device } = await scripted({});
    const { told, sent } = teller();
    const sending = device.sendMessages(4, { sent });
    const buffer = Buffer.from('x');
    for (let at = 0; at < 5; at += 1) {
      buffer[0] = at;
      expect(sending.push(at, buffer)).toBe(true);
    }
    buffer[0] = 99;
    expect(await sending.done).toEqual({ sent: 5, error: undefined });
    expect(script.sent()).toEqual([0, 1, 2, 3, 4]);
    expect(told.at(-1)).toBe(5);
    expect(sending.push(0, buffer)).toBe(false);
    await device.close();
  });

  it('says that there is no room, and when there is again', async () => {
    const { script, device } = await scripted({ [POOL_IOC_SEND]: [{ block: true }] });
    const { told, sent } = teller();
    const sending = device.sendMessages(4, { sent });
    const long = new Uint8Array(60_000);
    let taken = 0;
    while (sending.push(0, long)) taken += 1;
    expect(taken).toBeGreaterThan(4);
    expect(sending.push(0, long)).toBe(false);
    script.release();
    await until(() => (told.at(-1) ?? 0) > 0);
    // Where this comes late it has ended meanwhile, and takes nothing.
    const more = sending.push(0, long) ? 1 : 0;
    expect(await sending.done).toMatchObject({ sent: taken + more });
    await device.close();
  });

  // Kernel contract, hazard 11.
  it.each(['EPIPE', 'EINTR'] as const)('sends nothing after one that failed with %s', async (code) => {
    const { script, device } = await scripted({ [POOL_IOC_SEND]: [{}, { ret: -1, errno: errno[code] }, {}] });
    const sending = device.sendMessages(4, { sent() {} });
    for (let at = 0; at < 5; at += 1) sending.push(0, Uint8Array.of(at));
    expect(await sending.done).toMatchObject({ sent: 1, error: { code } });
    expect(script.calls(POOL_IOC_SEND)).toBe(2);
    await device.close();
  });

  // Kernel contract, hazards 11 and 12.
  it('is never signalled: stopped, it lets its SEND come to its end and begins no other, and CLOSE_SESS waits', async () => {
    const { script, device } = await scripted({ [POOL_IOC_SEND]: [{ block: true }] });
    const sending = device.sendMessages(4, { sent() {} });
    for (let at = 0; at < 3; at += 1) sending.push(0, Uint8Array.of(at));
    await script.inside(1);
    sending.stop();
    script.pool.interruptAll(5);
    const closing = device.closeSession(4);
    await device.closeSession(5);
    expect([script.signals, script.calls(POOL_IOC_CLOSE_SESS)]).toEqual([0, 1]);
    script.release();
    expect(await sending.done).toEqual({ sent: 1, error: undefined });
    await closing;
    expect([script.calls(POOL_IOC_SEND), script.calls(POOL_IOC_CLOSE_SESS)]).toEqual([1, 2]);
    await device.close();
  });

  it('holds up neither the end of the process nor a CLOSE_SESS then, while it only waits for messages', async () => {
    const { script, device } = await scripted({});
    const { told, sent } = teller();
    const sending = device.sendMessages(4, { sent });
    for (let at = 0; at < 20; at += 1) sending.push(0, Uint8Array.of(at));
    await until(() => told.at(-1) === 20);
    expect(script.pool.anyInside).toBe(false);
    expect(await sending.done).toMatchObject({ sent: 20 });
    await device.close();
  });

  it.each([
    ['the session', 64, 1, 'ERR_OUT_OF_RANGE'],
    ['a length of 0', 0, 0, 'ERR_OUT_OF_RANGE'],
    ['a length over 65535', 0, 65536, 'ERR_POOL_MESSAGE_TOO_LARGE'],
  ])('refuses %s before any I/O', async (_name, session, length, code) => {
    const { script, device } = await scripted({});
    const sending = device.sendMessages(session, { sent() {} });
    if (session > 63) await expect(sending.done).rejects.toMatchObject({ code });
    const ended = sending.done.catch(() => {});
    if (session < 64) expect(() => sending.push(0, new Uint8Array(length))).toThrow(expect.objectContaining({ code }));
    expect(script.calls(POOL_IOC_SEND)).toBe(0);
    await device.close();
    await ended;
  });
});
