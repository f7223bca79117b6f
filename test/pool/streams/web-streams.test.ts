import { flowKinds } from './flow-kinds.js';
import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { ReadableStream, TransformStream } from 'node:stream/web';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/index.js';
import { pipe } from '../../../src/testing/index.js';
import { randomBytes } from '../../random.js';

const MIB = 1 << 20;
const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');
const text = (data: Uint8Array | null | undefined): string => Buffer.from(data!).toString();

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function rejection(promise: Promise<unknown>): Promise<NodeJS.ErrnoException> {
  return promise.then(
    () => expect.unreachable('it fulfilled'),
    (error: NodeJS.ErrnoException) => error,
  );
}

function detachedView(): DataView {
  const memory = new ArrayBuffer(100);
  const detached = new DataView(memory);
  structuredClone(memory, { transfer: [memory] });
  return detached;
}

describe.each(Object.entries(flowKinds))('the Web Streams of %s', (_name, makeFlows) => {
  it('are made once, and read nothing before somebody asks', async () => {
    const [a, b] = await makeFlows();
    expect(b.readable).toBe(b.readable);
    expect(b.writable).toBe(b.writable);
    await a.writeMessage('first');
    await turn();
    expect(text(await b.readMessage())).toBe('first');
    const reader = b.readable.getReader();
    await a.writeMessage('second');
    await turn();
    expect(text((await reader.read()).value)).toBe('second');
    await a.writeMessage('third');
    while (b.readableLength === 0) await turn();
    expect(b.readableLength).toBe(5);
  });

  it('carry bytes both ways at once, with a TransformStream in between', async () => {
    const [a, b] = await makeFlows();
    const data = randomBytes(3 * MIB + 5);
    const flip = new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => controller.enqueue(chunk.map((byte) => byte ^ 0xff)),
    });
    const echoing = b.readable.pipeThrough(flip).pipeTo(b.writable);
    echoing.catch(() => {});
    const hash = createHash('sha256');
    const reading = (async () => {
      const reader = a.readable.getReader();
      for (let left = data.length; left > 0; ) {
        const { value } = await reader.read();
        hash.update(value!);
        left -= value!.length;
      }
    })();
    const writer = a.writable.getWriter();
    for (let at = 0, size = 1; at < data.length; at += size, size = (size * 7) % 200_003) {
      await writer.ready;
      void writer.write(data.subarray(at, at + size));
    }
    await reading;
    expect(hash.digest('hex')).toBe(sha256(data.map((byte) => byte ^ 0xff)));
    await writer.close();
    expect(a.state).toBe('closed');
  });

  it('wait for a reader that is slow', async () => {
    const [a, b] = await makeFlows();
    const data = randomBytes(8 * MIB);
    const source = new ReadableStream<Uint8Array>({
      start: (controller) => {
        for (let at = 0; at < data.length; at += 100_000) controller.enqueue(data.subarray(at, at + 100_000));
        controller.close();
      },
    });
    const sending = source.pipeTo(a.writable, { preventClose: true });
    let before = -1;
    while (a.bytesWritten !== before) {
      before = a.bytesWritten;
      for (let i = 0; i < 50; i++) await turn();
    }
    expect(before).toBeLessThan(3 * MIB);
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of b.readable) {
      hash.update(chunk);
      size += chunk.length;
      if (size === data.length) break;
    }
    await sending;
    expect(hash.digest('hex')).toBe(sha256(data));
    expect([a.state, b.state]).toEqual(['open', 'open']);
  });

  it.each<[string, number, unknown]>([
    ['a string, as UTF-8', 2000, 'ü'.repeat(1000)],
    ['a Uint8Array', 10, new Uint8Array(new ArrayBuffer(100), 20, 10)],
    ['a DataView', 10, new DataView(new ArrayBuffer(100), 20, 10)],
    ['a DataView whose memory is gone', 0, detachedView()],
    ['an ArrayBuffer', 100, new ArrayBuffer(100)],
    ['a SharedArrayBuffer', 100, new SharedArrayBuffer(100)],
  ])('count %s', async (_, bytes, chunk) => {
    const [a] = await makeFlows();
    const writer = a.writable.getWriter();
    const room = writer.desiredSize!;
    const written = writer.write(chunk as Uint8Array);
    expect(writer.desiredSize).toBe(room - bytes);
    await written;
    expect(a.bytesWritten).toBe(bytes);
  });

  it('fill the memory of a BYOB reader, and leave the rest of a message for the next', async () => {
    const [a, b] = await makeFlows();
    const reader = b.readable.getReader({ mode: 'byob' });
    const pending = reader.read(new Uint8Array(4));
    await a.writeMessage('abcdefghij');
    const first = await pending;
    expect(text(first.value)).toBe('abcd');
    const second = await reader.read(new Uint8Array(first.value!.buffer, 0, 3));
    expect(text(second.value)).toBe('efg');
    expect(second.value!.buffer.byteLength).toBe(4);
    reader.releaseLock();
    const other = b.readable.getReader();
    expect(text((await other.read()).value)).toBe('hij');
  });

  it('have the reads to themselves, until they are cancelled; then another stream may follow', async () => {
    const [a, b] = await makeFlows();
    const stream = b.readable;
    const reader = stream.getReader();
    const read = reader.read();
    await turn();
    for (const direct of [b.read(new Uint8Array(1)), b.readMessage(), b[Symbol.asyncIterator]().next()]) {
      expect((await rejection(direct)).code).toBe('ERR_POOL_LOCKED');
    }
    await a.writeMessage('one');
    expect(text((await read).value)).toBe('one');
    const pending = reader.read();
    await reader.cancel('no interest');
    expect((await pending).done).toBe(true);
    await a.writeMessage('two');
    expect(text(await b.readMessage())).toBe('two');
    expect(b.state).toBe('open');
    expect(b.readable).not.toBe(stream);
    await a.writeMessage('three');
    expect(text((await b.readable.getReader().read()).value)).toBe('three');
  });

  it('leave a loop without closing', async () => {
    const [a, b] = await makeFlows();
    for (const message of ['1', '2', '3']) await a.writeMessage(message);
    const got: string[] = [];
    for (let i = 0; i < 3; i++) {
      for await (const chunk of b.readable) {
        got.push(text(chunk));
        break;
      }
    }
    expect(got).toEqual(['1', '2', '3']);
    expect(b.state).toBe('open');
  });

  it('fail when somebody else reads, without taking anything', async () => {
    const [a, b] = await makeFlows();
    const direct = b.readMessage();
    expect((await rejection(b.readable.getReader().read())).code).toBe('ERR_POOL_LOCKED');
    await a.writeMessage('mine');
    expect(text(await direct)).toBe('mine');
    await a.writeMessage('for the next stream');
    expect(text((await b.readable.getReader().read()).value)).toBe('for the next stream');
  });

  it('fail at a deadline, and the flow is as good as before', async () => {
    const [a, b] = await makeFlows();
    const reading = rejection(b.readable.getReader().read());
    b.setReadDeadline(Date.now() + 5);
    expect((await reading).code).toBe('ERR_POOL_TIMEOUT');
    b.setReadDeadline(null);
    await a.writeMessage('after');
    const reader = b.readable.getReader();
    expect(text((await reader.read()).value)).toBe('after');
    a.setWriteDeadline(1);
    expect((await rejection(a.writable.getWriter().write(new Uint8Array(1)))).code).toBe('ERR_POOL_TIMEOUT');
    a.setWriteDeadline(null);
    await a.writable.getWriter().write(Buffer.from('again'));
    expect(text((await reader.read()).value)).toBe('again');
  });

  it('error where this side closes, since nobody knows what was to come', async () => {
    const [a] = await makeFlows();
    const reading = rejection(collect(a.readable));
    await turn();
    await a.close();
    expect((await reading).code).toBe('ERR_POOL_CLOSED');
    expect((await rejection(collect(a.readable))).code).toBe('ERR_POOL_CLOSED');
    expect((await rejection(a.writable.getWriter().write(Buffer.from('x')))).code).toBe('ERR_POOL_CLOSED');
  });

  it('refuse what is no bytes', async () => {
    const [a] = await makeFlows();
    const error = await rejection(a.writable.getWriter().write(5 as unknown as Uint8Array));
    expect(error).toBeInstanceOf(PoolError);
    expect(error.code).toBe('ERR_INVALID_ARG_TYPE');
    expect(a.state).toBe('open');
  });

  it('destroy when the writer aborts, also in the middle of a write that waits', async () => {
    const [a, b] = await makeFlows();
    const writer = a.writable.getWriter();
    const writing = rejection(writer.write(new Uint8Array(64 * MIB)));
    await turn();
    const reason = new Error('enough');
    await writer.abort(reason);
    expect(await writing).toBeDefined();
    expect(a.state).toBe('closed');
    expect((await a.closed).error?.cause).toBe(reason);
    b.destroy();
  });
});

describe('the Web Streams of a Conn', () => {
  it("close at the peer's close, behind what is queued", async () => {
    const [client, server] = pipe();
    const data = randomBytes(300_000);
    const got = collect(client.readable);
    await server.write(data);
    await server.close();
    expect(sha256(await got)).toBe(sha256(data));
    expect(await client.readMessage()).toBe(null);
    expect((await rejection(client.writable.getWriter().write(new Uint8Array(1)))).code).toBe(
      'ERR_POOL_NOT_ESTABLISHED',
    );
  });

  it('give a BYOB reader its memory back at the end', async () => {
    const [client, server] = pipe();
    const reader = client.readable.getReader({ mode: 'byob' });
    const pending = reader.read(new Uint8Array(10));
    await server.close();
    const { done, value } = await pending;
    expect(done).toBe(true);
    expect(value!.buffer.byteLength).toBe(10);
  });

  it('error when the peer vanishes, behind what is queued', async () => {
    const [client, server] = pipe();
    await server.writeMessage('last words');
    while (client.readableLength === 0) await turn();
    server.destroy();
    await client.closed;
    const reader = client.readable.getReader();
    expect(text((await reader.read()).value)).toBe('last words');
    expect((await rejection(reader.read())).code).toBe('ERR_POOL_PEER_LOST');
  });

  it('send what was written before they close', async () => {
    const [client, server] = pipe();
    const data = randomBytes(2 * MIB);
    const got = collect(server);
    const writer = client.writable.getWriter();
    void writer.write(data);
    await writer.close();
    expect(sha256(await got)).toBe(sha256(data));
    expect(await server.closed).toEqual({ by: 'remote' });
  });

  it('take no memory that somebody else may hold', async () => {
    const [client, server] = pipe();
    await server.writeMessage('0123456789');
    const head = new Uint8Array(4);
    await client.read(head);
    const { value } = await client.readable.getReader().read();
    expect(text(value)).toBe('456789');
    expect(value!.buffer.byteLength).toBe(6);
  });
});
