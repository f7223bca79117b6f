/** The protocols of node:stream/iter, asked as its `from` and `ondrain` ask; test/package runs the module itself on Node 26. */
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Flow } from '../../../src/index.js';
import { pipe } from '../../../src/testing/index.js';

type Asked = Record<symbol, (() => unknown) | undefined>;

/** As node:stream/iter does: by the registered symbol alone. */
function batches(flow: Flow): AsyncIterableIterator<Uint8Array[]> {
  const asked = flow as unknown as Asked;
  return asked[Symbol.for('Stream.toAsyncStreamable')]!.call(flow) as AsyncIterableIterator<Uint8Array[]>;
}

function drain(flow: Flow): Promise<boolean> | null {
  return (flow as unknown as Asked)[Symbol.for('Stream.drainableProtocol')]!.call(flow) as Promise<boolean> | null;
}

const texts = (batch: Uint8Array[]): string[] => batch.map((message) => Buffer.from(message).toString());

describe('a flow in stream/iter', () => {
  it('is a source of batches: what is queued comes at once, until the end', async () => {
    const [a, b] = pipe();
    await a.writeMessages(['one', 'two', 'three']);
    while (b.readableLength < 11) await turn();
    const reading = batches(b);
    expect(texts((await reading.next()).value as Uint8Array[])).toEqual(['one', 'two', 'three']);
    await expect(b.readMessage()).rejects.toMatchObject({ code: 'ERR_POOL_LOCKED' });
    const next = reading.next();
    await a.writeMessage('four');
    expect(texts((await next).value as Uint8Array[])).toEqual(['four']);
    await a.close();
    expect(await reading.next()).toEqual({ done: true, value: undefined });
  });

  it('gives the reads back when the pipeline leaves, also in the middle of a wait', async () => {
    const [a, b] = pipe();
    const reading = batches(b);
    const next = reading.next();
    await reading.return!();
    expect(await next).toEqual({ done: true, value: undefined });
    await a.writeMessage('for the next read');
    expect(await b.readText()).toBe('for the next read');
    a.destroy();
    await expect(batches(b).next()).rejects.toMatchObject({ code: 'ERR_POOL_PEER_LOST' });
  });

  it('tells when all is handed over, and that there is nothing to wait for after the end', async () => {
    const [a, b] = pipe({ writeQueueBytes: 1 });
    expect(await drain(a)).toBe(true);
    const channel = await a.openChannel(3);
    const writing = a.writeMessages(['x'.repeat(1000), 'y'.repeat(1000)]);
    const drained = drain(a);
    expect(a.writableLength).toBe(2000);
    expect(await drained).toBe(true);
    expect(a.writableLength).toBe(0);
    await writing;
    const late = channel.writeMessage('z'.repeat(1000));
    const lost = drain(channel);
    a.destroy();
    expect(await lost).toBe(false);
    await expect(late).rejects.toMatchObject({ code: 'ERR_POOL_CLOSED' });
    expect(drain(a)).toBe(null);
    await b.close();
  });
});
