import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/base/errors.js';
import { Addr } from '../../../src/pool/address/addr.js';
import { FlowWriter } from '../../../src/pool/flow/flow-writer.js';
import { WriteScheduler } from '../../../src/pool/flow/write-scheduler.js';

const addr = new Addr('10.0.0.1', 9253);

/** A session whose sends the test finishes; it takes `room` messages before it says stop. */
function sessionOf({ room = Infinity, limit = 1 << 20, maxMessageSize = 4 } = {}) {
  const sent: { channel: number; text: string; done: (error?: PoolError) => void }[] = [];
  const session = {
    maxMessageSize,
    send: (channel: number, data: Uint8Array, done: (error?: PoolError) => void) => {
      sent.push({ channel, text: Buffer.from(data).toString(), done });
      return sent.length < room;
    },
  };
  const queue = new WriteScheduler(session, limit);
  const writer = (channel: number) => new FlowWriter(channel === 0 ? { addr } : { addr, channel }, queue, channel);
  const texts = () => sent.map(({ channel, text }) => `${channel}:${text}`);
  const finish = (count: number) => sent.splice(0, count).forEach(({ done }) => done());
  return { queue, writer, sent, texts, finish, raiseRoom: (by: number) => (room = sent.length + by) };
}

const bytes = (text: string): Uint8Array => Buffer.from(text);

describe('the writes of a session', () => {
  it('leave at once while there is room', async () => {
    const { writer, texts, finish } = sessionOf();
    const write = writer(0).write('write', bytes('abcdefghij'), undefined);
    expect(texts()).toEqual(['0:abcd', '0:efgh', '0:ij']);
    finish(3);
    expect(await write).toBe(10);
  });

  it('take turns between flows, message by message', () => {
    const { queue, writer, texts, raiseRoom } = sessionOf({ room: 1 });
    const [a, b, c] = [writer(0), writer(5), writer(9)];
    void a.write('write', bytes('aaaaAAAAaaaa'), undefined);
    void b.write('writeMessages', [bytes('b1'), bytes('b2')], undefined);
    void c.write('writeMessage', bytes('c'), undefined);
    expect(texts()).toEqual(['0:aaaa']);
    raiseRoom(Infinity);
    queue.drained();
    expect(texts()).toEqual(['0:aaaa', '0:AAAA', '5:b1', '9:c', '0:aaaa', '5:b2']);
  });

  it('wait for what is under way beyond the bound, and one that is longer than it goes alone', () => {
    const { writer, texts, finish } = sessionOf({ limit: 300, maxMessageSize: 1000 });
    const flow = writer(0);
    const long = 'x'.repeat(900);
    for (const text of ['a', 'b', long, 'c']) void flow.write('writeMessage', bytes(text), undefined);
    expect(texts()).toEqual(['0:a', '0:b']);
    finish(1);
    expect(texts()).toEqual(['0:b']);
    finish(1);
    expect(texts()).toEqual([`0:${long}`]);
    finish(1);
    expect(texts()).toEqual(['0:c']);
  });

  it('are settled by the backend, in any pace', async () => {
    const { writer, finish } = sessionOf();
    const flow = writer(0);
    const settled: string[] = [];
    const first = flow.write('writeMessage', bytes('a'), undefined).then(() => settled.push('a'));
    const second = flow.write('writeMessage', bytes('b'), undefined).then(() => settled.push('b'));
    expect([flow.length, flow.bytesWritten]).toEqual([2, 0]);
    finish(1);
    await first;
    expect([settled, flow.length, flow.bytesWritten]).toEqual([['a'], 1, 1]);
    finish(1);
    await second;
    expect([flow.length, flow.bytesWritten]).toEqual([0, 2]);
  });

  it('survive a backend that is done before send returns', async () => {
    const got: number[] = [];
    const session = {
      maxMessageSize: 1,
      send: (_channel: number, data: Uint8Array, done: () => void) => {
        got.push(data[0]!);
        done();
        return true;
      },
    };
    const flow = new FlowWriter({ addr }, new WriteScheduler(session, 100), 0);
    expect(await flow.write('write', Uint8Array.of(1, 2, 3), undefined)).toBe(3);
    expect(got).toEqual([1, 2, 3]);
    await flow.flushed();
  });

  it('that leave in one flush share a promise, which the deadline and the end of the session settle as any other', async () => {
    const { queue, writer, texts, finish, sent } = sessionOf({ limit: 1000 });
    const session = queue.session as { flush?: object };
    const flow = writer(0);
    expect(flow.writeNow(bytes('a'))).toBeNull();
    const first = (session.flush = {});
    const a = flow.writeNow(bytes('a'));
    expect(flow.writeNow(bytes('b'))).toBe(a);
    session.flush = {};
    const c = flow.writeNow(bytes('c'))!;
    expect(c).not.toBe(a);
    expect(session.flush).not.toBe(first);
    expect([texts(), flow.length]).toEqual([['0:a', '0:b', '0:c'], 3]);
    finish(2);
    await a;
    expect([flow.length, flow.bytesWritten]).toEqual([1, 2]);
    // Started messages settle at the deadline as sent, and with a deadline nothing goes past the line.
    flow.deadline.set(0);
    await c;
    expect(flow.writeNow(bytes('d'))).toBeNull();
    flow.deadline.set(null);
    const d = flow.writeNow(bytes('d'))!;
    const failed = expect(d).rejects.toMatchObject({ code: 'ERR_POOL_PEER_LOST' });
    sent.at(-1)!.done(new PoolError('ERR_POOL_PEER_LOST', 'gone'));
    await failed;
    flow.end({ by: 'remote' });
    expect(flow.writeNow(bytes('e'))).toBeNull();
  });

  it('go past the line only where there is no line, and room', () => {
    const { queue, writer, texts } = sessionOf({ room: 2, limit: 300, maxMessageSize: 1000 });
    (queue.session as { flush?: object }).flush = {};
    const [flow, other] = [writer(0), writer(5)];
    expect(flow.writeNow(bytes('a'))).not.toBeNull();
    expect(flow.writeNow(bytes('x'.repeat(200)))).toBeNull();
    expect(flow.writeNow(bytes('b'))).not.toBeNull();
    void other.write('writeMessage', bytes('c'), undefined);
    expect(flow.writeNow(bytes('d'))).toBeNull();
    expect(texts()).toEqual(['0:a', '0:b']);
  });

  it('settle at the deadline: started as sent, not started as timed out, in between with the count', async () => {
    const { queue, writer, texts, raiseRoom, finish } = sessionOf({ room: 3 });
    const flow = writer(0);
    const started = flow.write('writeMessage', bytes('s'), undefined);
    const partly = flow.write('write', bytes('aaaabbbbcccc'), undefined);
    const waiting = flow.write('writeMessages', [bytes('w')], undefined);
    const rejections = [partly, waiting].map((write) => write.catch((error: unknown) => error));
    flow.deadline.set(0);
    await started;
    expect(await Promise.all(rejections)).toEqual([
      expect.objectContaining({ code: 'ERR_POOL_TIMEOUT', timeout: true, bytesWritten: 8 }),
      expect.objectContaining({ code: 'ERR_POOL_TIMEOUT', messagesWritten: 0 }),
    ]);
    // What was under way still counts until the backend is done.
    expect(flow.length).toBe(9);
    raiseRoom(Infinity);
    queue.drained();
    expect(texts()).toEqual(['0:s', '0:aaaa', '0:bbbb']);
    finish(3);
    expect([flow.length, flow.bytesWritten]).toEqual([0, 9]);
    flow.deadline.set(null);
    void flow.write('writeMessage', bytes('z'), undefined);
    expect(texts()).toEqual(['0:z']);
  });

  it('that are cancelled before their turn leave nothing behind', async () => {
    const { queue, writer, texts, raiseRoom } = sessionOf({ room: 1 });
    const [a, b] = [writer(0), writer(1)];
    void a.write('writeMessage', bytes('a'), undefined);
    const controller = new AbortController();
    const cancelled = Array.from({ length: 1000 }, () => b.write('writeMessage', bytes('b'), controller.signal));
    controller.abort(new Error('enough'));
    const reasons = await Promise.allSettled(cancelled);
    expect(new Set(reasons.map(({ status }) => status))).toEqual(new Set(['rejected']));
    expect([b.length, b.ready]).toEqual([0, false]);
    raiseRoom(Infinity);
    queue.drained();
    void b.write('writeMessage', bytes('c'), undefined);
    expect(texts()).toEqual(['0:a', '1:c']);
  });

  it('are flushed when the last message is done, or cannot be any more', async () => {
    const { queue, writer, finish } = sessionOf({ room: 2 });
    const [a, b] = [writer(0), writer(1)];
    void a.write('write', bytes('aaaaAAAA'), undefined);
    const lost = b.write('writeMessage', bytes('b'), undefined).catch((error: unknown) => error);
    let flushed = 0;
    const own = a.flushed().then(() => (flushed += 1));
    const all = queue.flushed().then(() => (flushed += 1));
    finish(1);
    await Promise.resolve();
    expect(flushed).toBe(0);
    finish(1);
    await own;
    expect(flushed).toBe(1);
    b.destroy(new Error('because'));
    await all;
    expect(await lost).toMatchObject({
      code: 'ERR_POOL_CLOSED',
      message: expect.stringMatching(/channel 1: the channel was closed/) as string,
    });
  });

  it('reject when the session ends, with how far they came', async () => {
    const { writer, finish, sent } = sessionOf({ room: 2 });
    const flow = writer(0);
    const write = flow.write('write', bytes('aaaabbbbcccc'), undefined).catch((error: unknown) => error);
    finish(1);
    const cause = new PoolError('ERR_POOL_PEER_LOST', 'the peer is gone');
    sent[0]!.done(cause);
    flow.end({ by: 'error', error: cause });
    expect(await write).toMatchObject({
      code: 'ERR_POOL_PEER_LOST',
      message: 'write pool 10.0.0.1:9253: the peer is gone',
      bytesWritten: 4,
      cause,
    });
    await flow.flushed();
    expect(flow.length).toBe(0);
  });
});
