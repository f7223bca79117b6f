import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/base/errors.js';
import { Addr } from '../../../src/pool/address/addr.js';
import { MESSAGE_COST, ReadBudget } from '../../../src/pool/flow/read-budget.js';
import { FlowReader } from '../../../src/pool/flow/flow-reader.js';

const target = { addr: new Addr('10.0.0.1', 9253) };

function queueOf(limit = 1 << 20) {
  const calls = { resumed: 0, depths: [] as number[] };
  const session = {
    resume: () => void calls.resumed++,
    setQueueDepth: (depth: number) => void calls.depths.push(depth),
  };
  const bound = new ReadBudget(session, limit);
  return { calls, bound, queue: new FlowReader(target, bound) };
}

const message = (size: number, fill = 1): Uint8Array => new Uint8Array(size).fill(fill);

describe('the bound of what is unread', () => {
  it('stops at the limit and goes on at half of it', () => {
    const { bound, calls } = queueOf(10 * (100 + MESSAGE_COST));
    const stopped: boolean[] = [];
    for (let i = 0; i < 10; i++) {
      bound.take(100);
      stopped.push(!bound.open());
    }
    expect(stopped).toEqual([...Array<boolean>(9).fill(false), true]);
    for (let i = 0; i < 4; i++) bound.give(100);
    expect(calls.resumed).toBe(0);
    bound.give(100);
    expect(calls.resumed).toBe(1);
    for (let i = 0; i < 5; i++) bound.give(100);
    expect(calls.resumed).toBe(1);
  });

  it('takes one message however long it is, and counts short ones for what they cost', () => {
    const { bound } = queueOf(1000);
    bound.take(1_000_000);
    expect(bound.open()).toBe(false);
    bound.give(1_000_000);
    let short = 0;
    do bound.take(1);
    while (bound.open() && ++short < 1000);
    expect(short).toBeLessThan(1000 / MESSAGE_COST);
  });

  it('spans the queues of a session', async () => {
    const { bound, queue } = queueOf(1000);
    const other = new FlowReader({ ...target, channel: 5 }, bound);
    queue.push(message(500));
    expect(bound.open()).toBe(true);
    other.push(message(500));
    expect(bound.open()).toBe(false);
    await queue.readMessage(undefined);
    expect(bound.stopped).toBe(true);
    await other.readMessage(undefined);
    expect(bound.stopped).toBe(false);
  });
});

describe('a read queue', () => {
  it('hands a message to a waiting reader without counting it', async () => {
    const { queue, calls } = queueOf();
    const read = queue.readMessage(undefined);
    const data = message(3);
    queue.push(data);
    expect(await read).toBe(data);
    expect(calls.depths).toEqual([]);
    expect(queue.bytesReceived).toBe(3);
  });

  it('reports how many messages wait', async () => {
    const { queue, calls } = queueOf();
    queue.push(message(1));
    queue.push(message(1));
    await queue.readMessage(undefined);
    expect(calls.depths).toEqual([1, 2, 1]);
  });

  it('keeps a message counted until its last byte is read', async () => {
    const { queue, calls } = queueOf();
    queue.push(message(10));
    const buffer = new Uint8Array(6);
    expect(await queue.read(buffer, undefined)).toBe(6);
    expect([queue.length, calls.depths]).toEqual([4, [1]]);
    expect(await queue.read(buffer, undefined)).toBe(4);
    expect([queue.length, calls.depths]).toEqual([0, [1, 0]]);
  });

  it('gives a waiting batch all that comes in one tick', async () => {
    const { queue } = queueOf();
    const batch = queue.readMessages(Infinity, undefined);
    for (let i = 0; i < 3; i++) queue.push(message(1, i));
    expect((await batch)!.map(([byte]) => byte)).toEqual([0, 1, 2]);
  });

  it('serves who waits behind a batch that was cancelled in that tick', async () => {
    const { queue } = queueOf();
    const controller = new AbortController();
    const batch = queue.readMessages(Infinity, controller.signal);
    const next = queue.readMessage(undefined);
    queue.push(message(1, 7));
    controller.abort(new Error('enough'));
    await expect(batch).rejects.toThrow('enough');
    expect((await next)![0]).toBe(7);
  });

  it('gives what is left at the end to those who wait, then the end', async () => {
    const { queue } = queueOf();
    const reads = [queue.readMessages(Infinity, undefined), queue.readMessage(undefined)];
    queue.push(message(1));
    queue.end({ by: 'remote' });
    expect(await Promise.all(reads)).toEqual([[message(1)], null]);
  });

  it('gives the error of the end to every read behind the queue', async () => {
    const { queue } = queueOf();
    queue.push(message(1));
    const error = new PoolError('ERR_POOL_PROTOCOL', 'the peer sent a packet twice');
    queue.end({ by: 'error', error });
    expect(await queue.readMessage(undefined)).toEqual(message(1));
    for (let i = 0; i < 2; i++) {
      expect(() => queue.readMessage(undefined)).toThrow(
        expect.objectContaining({
          code: 'ERR_POOL_PROTOCOL',
          message: 'read pool 10.0.0.1:9253: the peer sent a packet twice',
          cause: error,
        }),
      );
    }
  });

  it('gives its room back when it is closed', () => {
    const { queue, bound, calls } = queueOf(1000);
    queue.push(message(2000));
    expect(bound.open()).toBe(false);
    queue.close();
    expect([queue.length, calls.resumed]).toEqual([0, 1]);
    queue.push(message(2000));
    expect([queue.length, bound.open()]).toEqual([0, true]);
  });

  it('belongs to its holder alone', async () => {
    const { queue } = queueOf();
    queue.lock('iterator');
    expect(() => queue.readMessage(undefined)).toThrow(expect.objectContaining({ code: 'ERR_POOL_LOCKED' }));
    const pending = queue.readMessage(undefined, 'iterator');
    queue.unlock('iterator');
    expect(await pending).toBeNull();
    queue.push(message(1));
    expect(await queue.readMessage(undefined)).toEqual(message(1));
  });
});
