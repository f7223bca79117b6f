import { flowKinds } from './flow-kinds.js';
import { createHash } from 'node:crypto';
import { type EventEmitter, once } from 'node:events';
import { type Duplex, Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Conn, type Flow, type FlowDuplex, PoolError } from '../../../src/index.js';
import { pipe } from '../../../src/testing/index.js';
import { duplexCases } from '../../contract/duplex-cases.js';
import { randomBytes } from '../../random.js';

const MIB = 1 << 20;

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

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

/** What a stream emits, in its order, besides data. */
function eventsOf(stream: Duplex): string[] {
  const seen: string[] = [];
  for (const name of ['end', 'finish', 'close']) stream.on(name, () => seen.push(name));
  stream.on('error', (error: NodeJS.ErrnoException) => seen.push(error.code ?? error.message));
  return seen;
}

/** Once `close` was emitted: `stream.closed` tells it a moment before. */
async function closed(stream: Duplex): Promise<void> {
  if (!stream.closed) await new Promise((resolve) => stream.once('close', resolve));
  await turn();
}

describe.each(Object.entries(flowKinds))('the Duplex of %s', (_name, makeFlows) => {
  it('carries bytes both ways at once, split and joined as they like', async () => {
    const [a, b] = await makeFlows();
    const [left, right] = [a.toDuplex(), b.toDuplex({ highWaterMark: 1000 })];
    const there = randomBytes(3 * MIB + 17);
    const back = randomBytes(2 * MIB + 1);
    const send = async (stream: Duplex, data: Buffer): Promise<void> => {
      for (let at = 0, size = 1; at < data.length; at += size, size = (size * 7) % 200_003) {
        if (!stream.write(data.subarray(at, at + size))) await once(stream, 'drain');
      }
    };
    const receive = async (stream: Duplex, size: number): Promise<string> => {
      const hash = createHash('sha256');
      let left = size;
      while (left > 0) {
        const chunk = stream.read() as Buffer | null;
        if (chunk === null) await once(stream, 'readable');
        else {
          hash.update(chunk);
          left -= chunk.length;
        }
      }
      return hash.digest('hex');
    };
    const [gotThere, gotBack] = await Promise.all([
      receive(right, there.length),
      receive(left, back.length),
      send(left, there),
      send(right, back),
    ]);
    expect(gotThere).toBe(sha256(there));
    expect(gotBack).toBe(sha256(back));
  });

  it('waits for a reader that is slow, with bounded memory, and loses nothing', async () => {
    const [a, b] = await makeFlows();
    const data = randomBytes(8 * MIB);
    const source = a.toDuplex().on('error', () => {});
    const sending = pipeline(Readable.from(slices(data, 10_000), { objectMode: false }), source);
    sending.catch(() => {});
    const sink = b.toDuplex();
    // Nobody reads: what is under way comes to a stop.
    let before = -1;
    while (a.bytesWritten !== before) {
      before = a.bytesWritten;
      for (let i = 0; i < 50; i++) await turn();
    }
    expect(before).toBeLessThan(3 * MIB);
    expect(source.writableNeedDrain).toBe(true);
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of sink as AsyncIterable<Buffer>) {
      hash.update(chunk);
      size += chunk.length;
      if (size === data.length) break;
      expect(sink.readableLength).toBeLessThan(3 * 65_536);
    }
    expect(size).toBe(data.length);
    expect(hash.digest('hex')).toBe(sha256(data));
    await sending;
  });

  it('keeps messages in object mode', async () => {
    const [a, b] = await makeFlows();
    const [left, right] = [a.toDuplex({ objectMode: true }), b.toDuplex({ objectMode: true })];
    // Leaving the loop destroys the one, and the other hears of it.
    left.on('error', () => {});
    const messages = Array.from({ length: 300 }, (_, i) => Buffer.alloc(1 + ((i * 7919) % 5000), i));
    for (const message of messages) left.write(message);
    left.write('ünïcode');
    left.write('c3bc', 'hex');
    const want = [...messages, Buffer.from('ünïcode'), Buffer.from('ü')];
    let i = 0;
    for await (const message of right as AsyncIterable<Buffer>) {
      expect(message.equals(want[i]!), `message ${i}`).toBe(true);
      if (++i === want.length) break;
    }
    expect(i).toBe(want.length);
  });

  it('refuses what is no message, and ends with that error', async () => {
    const [a] = await makeFlows();
    const stream = a.toDuplex({ objectMode: true });
    const seen = eventsOf(stream);
    stream.write(Buffer.alloc(a.maxMessageSize + 1));
    await closed(stream);
    expect(seen).toEqual(['ERR_POOL_MESSAGE_TOO_LARGE', 'close']);
  });

  it('sends what was written before end, and closes', async () => {
    const [a, b] = await makeFlows();
    const stream = a.toDuplex();
    const seen = eventsOf(stream);
    const data = randomBytes(MIB);
    const got = new Promise<Buffer>((resolve) => {
      const chunks: Buffer[] = [];
      let size = 0;
      b.toDuplex()
        .on('error', () => {})
        .on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          size += chunk.length;
          if (size === data.length) resolve(Buffer.concat(chunks));
        });
    });
    stream.end(data);
    expect(sha256(await got)).toBe(sha256(data));
    await closed(stream);
    expect(seen).toEqual(['finish', 'close']);
    expect(a.state).toBe('closed');
    expect(await a.closed).toEqual({ by: 'local' });
  });

  it('sends what was written in an `await using` block', async () => {
    const [a, b] = await makeFlows();
    const data = randomBytes(200_000);
    const reading = b.toDuplex();
    reading.on('error', () => {});
    const stream = a.toDuplex();
    stream.write(data);
    const chunks: Buffer[] = [];
    const got = new Promise<void>((resolve) => {
      reading.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        if (chunks.reduce((sum, { length }) => sum + length, 0) === data.length) resolve();
      });
    });
    await stream[Symbol.asyncDispose]();
    await got;
    expect(sha256(Buffer.concat(chunks))).toBe(sha256(data));
    expect(stream.destroyed).toBe(true);
    expect(a.state).toBe('closed');
    await stream[Symbol.asyncDispose]();
  });

  it('tells a reader that was cut off by its own end', async () => {
    const [a] = await makeFlows();
    const stream = a.toDuplex();
    const reading = rejection(collect(stream));
    stream.end('request');
    expect((await reading).code).toBe('ERR_STREAM_PREMATURE_CLOSE');
  });

  it('is destroyed by a signal', async () => {
    const [a] = await makeFlows();
    const controller = new AbortController();
    const stream = a.toDuplex({ signal: controller.signal });
    const seen = eventsOf(stream);
    stream.resume();
    await turn();
    controller.abort();
    await closed(stream);
    expect(seen).toEqual(['ABORT_ERR', 'close']);
    expect((await a.closed).error?.cause).toMatchObject({ name: 'AbortError' });
  });

  it('is destroyed by a signal that has fired before', async () => {
    const [a] = await makeFlows();
    const stream = a.toDuplex({ signal: AbortSignal.abort(new Error('enough')) });
    const seen = eventsOf(stream);
    await closed(stream);
    expect(seen).toEqual(['ABORT_ERR', 'close']);
    expect(a.state).not.toBe('open');
    expect((await a.closed).error?.cause).toMatchObject({ name: 'AbortError', cause: new Error('enough') });
  });

  it('of a flow that this side closed before ends as one that is closed under it', async () => {
    const make = async (end: (flow: Flow) => unknown): Promise<Duplex> => {
      const [a] = await makeFlows();
      await end(a);
      return a.toDuplex();
    };
    for (const end of [(flow: Flow) => flow.destroy(), (flow: Flow) => flow.close()]) {
      expect((await rejection(collect(await make(end)))).code).toBe('ERR_STREAM_PREMATURE_CLOSE');
      const into = new Transform({ transform: (_chunk, _encoding, done) => done() });
      expect((await rejection(pipeline(await make(end), into))).code).toBe('ERR_STREAM_PREMATURE_CLOSE');
      const unread = await make(end);
      const seen = eventsOf(unread);
      await closed(unread);
      expect(seen).toEqual(['close']);
    }
    const reason = new Error('enough');
    expect(await rejection(collect(await make((flow) => flow.destroy(reason))))).toBe(reason);
  });

  it('has the reads to itself, from its first read on', async () => {
    const [a, b] = await makeFlows();
    const stream = b.toDuplex();
    await a.writeMessage('direct');
    expect(Buffer.from((await b.readMessage())!).toString()).toBe('direct');
    stream.on('data', () => {});
    await turn();
    for (const read of [
      b.read(new Uint8Array(1)),
      b.readMessage(),
      b.readMessages(),
      b[Symbol.asyncIterator]().next(),
    ]) {
      const error = await rejection(read);
      expect(error.code).toBe('ERR_POOL_LOCKED');
      expect(error.message).toContain('a stream reads');
    }
    // Writing stays everybody's.
    await b.writeMessage('x');
  });

  it('fails by itself, and not the flow, when somebody else reads', async () => {
    const [a, b] = await makeFlows();
    const reading = b.readMessage();
    const stream = b.toDuplex();
    const seen = eventsOf(stream);
    stream.resume();
    await closed(stream);
    expect(seen).toEqual(['ERR_POOL_LOCKED', 'close']);
    expect(b.state).toBe('open');
    await a.writeMessage('still here');
    expect(Buffer.from((await reading)!).toString()).toBe('still here');
  });

  it('ends with an error at a deadline that passes', async () => {
    const [a] = await makeFlows();
    const stream = a.toDuplex();
    const seen = eventsOf(stream);
    stream.resume();
    a.setReadDeadline(Date.now() + 5);
    await closed(stream);
    expect(seen).toEqual(['ERR_POOL_TIMEOUT', 'close']);
  });

  it('has what loggers and servers ask of a socket', async () => {
    const [a] = await makeFlows();
    const stream: FlowDuplex = a.toDuplex();
    expect(stream).toMatchObject({
      localAddress: a.localAddress,
      localPort: a.localPort,
      localFamily: 'IPv4',
      remoteAddress: a.remoteAddress,
      remotePort: a.remotePort,
      remoteFamily: 'IPv4',
      connecting: false,
      pending: false,
      readyState: 'open',
    });
    expect(stream.address()).toEqual({ address: a.localAddress, port: a.localPort, family: 'IPv4' });
    expect(stream.setNoDelay(true).setKeepAlive(true, 10).unref().ref()).toBe(stream);
    stream.write('12345');
    expect(stream.bytesWritten).toBeGreaterThanOrEqual(5);
    stream.destroySoon();
    await closed(stream);
    expect(stream.bytesWritten).toBe(5);
    expect(stream.readyState).toBe('closed');
    expect(stream.remoteAddress).toBe(a.remoteAddress);
  });
});

describe('the Duplex of a Conn', () => {
  it('runs under pipeline, as source, in the middle and as sink', async () => {
    const data = randomBytes(5 * MIB);
    const [client, server] = pipe();
    const upper = new Transform({
      transform: (chunk: Buffer, _encoding, done) =>
        done(
          null,
          chunk.map((byte) => byte ^ 0xff),
        ),
    });
    const service = server.toDuplex();
    const serving = pipeline(service, upper, service);
    const conn = client.toDuplex();
    const hash = createHash('sha256');
    let left = data.length;
    const reading = new Promise<void>((resolve) => {
      conn.on('data', (chunk: Buffer) => {
        hash.update(chunk);
        left -= chunk.length;
        if (left === 0) resolve();
      });
    });
    for (const slice of slices(data, 30_000)) if (!conn.write(slice)) await once(conn, 'drain');
    await reading;
    await pipeline(Readable.from([]), conn);
    await serving;
    expect(hash.digest('hex')).toBe(sha256(data.map((byte) => byte ^ 0xff)));
  });

  it('ends with all that the peer sent, and then finishes by itself', async () => {
    const [client, server] = pipe();
    const data = randomBytes(MIB);
    const stream = client.toDuplex();
    const seen = eventsOf(stream);
    const hash = createHash('sha256');
    stream.on('data', (chunk: Buffer) => hash.update(chunk));
    await server.write(data);
    await server.close();
    await closed(stream);
    expect(hash.digest('hex')).toBe(sha256(data));
    expect(seen).toEqual(['end', 'finish', 'close']);
    await client.close();
  });

  it('ends also where nobody reads', async () => {
    const [client, server] = pipe();
    const stream = client.toDuplex();
    const seen = eventsOf(stream);
    await server.close();
    await closed(stream);
    expect(seen).toEqual(['end', 'finish', 'close']);
  });

  it('tells a peer that vanished, behind what it sent', async () => {
    const [client, server] = pipe();
    const got: string[] = [];
    const stream = client.toDuplex();
    const seen = eventsOf(stream);
    stream.on('data', (chunk: Buffer) => got.push(chunk.toString()));
    await server.writeMessage('last words');
    while (client.bytesRead === 0) await turn();
    server.destroy();
    await closed(stream);
    expect(got).toEqual(['last words']);
    expect(seen).toEqual(['ERR_POOL_PEER_LOST', 'close']);
  });

  it('tells it also where nobody reads', async () => {
    const [client, server] = pipe();
    const seen = eventsOf(client.toDuplex());
    server.destroy();
    await client.closed;
    await turn();
    expect(seen).toEqual(['ERR_POOL_PEER_LOST', 'close']);
  });

  it('takes the session along when it is destroyed', async () => {
    const [client, server] = pipe();
    const stream = client.toDuplex();
    const seen = eventsOf(stream);
    const pending = new Promise((resolve) => stream.write(Buffer.alloc(4 * MIB), resolve));
    const reason = new Error('enough');
    stream.destroy(reason);
    expect(await pending).toBeInstanceOf(Error);
    await closed(stream);
    expect(seen).toEqual(['enough', 'close']);
    expect((await client.closed).error?.cause).toBe(reason);
    expect(await server.closed).toEqual({ by: 'remote' });
  });

  it('takes it along without a CLOSE when it is reset', async () => {
    const [client, server] = pipe();
    const stream = client.toDuplex();
    const seen = eventsOf(stream);
    expect(stream.resetAndDestroy()).toBe(stream);
    expect(client.state).toBe('closed');
    await closed(stream);
    expect(seen).toEqual(['close']);
    expect((await server.closed).error?.code).toBe('ERR_POOL_PEER_LOST');
  });

  it('can be reset after it was destroyed, where the peer holds its close up', async () => {
    const [client, server] = pipe();
    const stream = client.toDuplex();
    stream.write(Buffer.alloc(16 * MIB), () => {});
    for (let before = -1; client.bytesWritten !== before; ) {
      before = client.bytesWritten;
      for (let i = 0; i < 50; i++) await turn();
    }
    stream.destroy();
    await closed(stream);
    expect(client.state).toBe('closing');
    stream.resetAndDestroy();
    expect(client.state).toBe('closed');
    expect(await client.closed).toEqual({ by: 'local' });
    server.destroy();
  });

  it.each<[string, (conn: Conn) => void, string[]]>([
    ['destroy()', (conn) => conn.destroy(), ['close']],
    ['destroy(error)', (conn) => conn.destroy(new Error('enough')), ['enough', 'close']],
    ['close()', (conn) => void conn.close(), ['close']],
  ])('ends with %s of its Conn, paused or not, and though the peer is gone', async (_name, end, events) => {
    for (const peer of ['there', 'closed', 'lost']) {
      for (const reader of ['none', 'flowing', 'paused', 'stopped']) {
        const [client, server] = pipe();
        const stream = client.toDuplex();
        const seen = eventsOf(stream);
        if (reader !== 'none') stream.on('data', () => {});
        if (reader === 'paused') stream.pause();
        await server.writeMessage('unread');
        while (client.bytesRead === 0) await turn();
        if (reader === 'stopped') stream.pause();
        if (peer === 'lost') server.destroy();
        if (peer === 'closed') await server.close();
        if (peer !== 'there' && reader !== 'flowing') await client.closed;
        if (stream.destroyed || reader === 'flowing') continue;
        end(client);
        await closed(stream);
        expect(seen, `${reader}, ${peer}`).toEqual(events);
      }
    }
  });

  it.each(['no reader', 'a reader that is paused'])(
    'keeps what the peer said before it closed, with %s',
    async (kind) => {
      const [client, server] = pipe();
      const stream = client.toDuplex();
      const got: Buffer[] = [];
      if (kind !== 'no reader') stream.on('data', (chunk: Buffer) => got.push(chunk)).pause();
      const seen = eventsOf(stream);
      await server.writeMessage('goodbye');
      await server.close();
      await client.closed;
      await new Promise((resolve) => stream.write('too late', resolve));
      await new Promise<void>((resolve) => stream.end(() => resolve()));
      if (kind === 'no reader') stream.on('data', (chunk: Buffer) => got.push(chunk));
      else stream.resume();
      await closed(stream);
      expect(Buffer.concat(got).toString()).toBe('goodbye');
      expect(seen).toEqual(['finish', 'end', 'close']);
    },
  );

  it('tells who only writes that the peer has closed, though something is unread', async () => {
    const [client, server] = pipe();
    await server.writeMessage('unread');
    await server.close();
    await client.closed;
    const source = Readable.from(slices(Buffer.alloc(MIB), 10_000), { objectMode: false });
    expect((await rejection(pipeline(source, client.toDuplex()))).code).toBe('ERR_POOL_NOT_ESTABLISHED');
    // What it didn't read is the Conn's again.
    expect(Buffer.from((await client.readMessage())!).toString()).toBe('unread');
  });

  it("has net's codes on demand", async () => {
    const [client, server] = pipe();
    const stream = client.toDuplex({ netCodes: true });
    stream.resume();
    server.destroy();
    const [error] = (await once(stream, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');
    expect((error.cause as PoolError).code).toBe('ERR_POOL_PEER_LOST');
  });

  it('leaves a graceful close of the Conn alone', async () => {
    const [client, server] = pipe();
    const stream = client.toDuplex();
    const seen = eventsOf(stream);
    stream.resume();
    const data = randomBytes(4 * MIB);
    const writing = client.write(data);
    const closing = client.close();
    await closed(stream);
    expect(seen).toEqual(['close']);
    const got = await collect(server);
    await Promise.all([writing, closing]);
    expect(sha256(got)).toBe(sha256(data));
    expect(await server.closed).toEqual({ by: 'remote' });
  });

  it('gives up a close that the peer holds up when it is destroyed meanwhile', async () => {
    const [client, server] = pipe();
    const stream = client.toDuplex();
    stream.on('error', () => {});
    stream.end(Buffer.alloc(16 * MIB));
    await turn();
    stream.destroy();
    await closed(stream);
    // What was under way is still sent, and no more.
    let got = 0;
    for await (const message of server) got += message.length;
    expect(got).toBeGreaterThan(0);
    expect(got).toBeLessThan(16 * MIB);
    expect(await server.closed).toEqual({ by: 'remote' });
  });

  it('joins what is written together to one message', async () => {
    const [client, server] = pipe();
    const stream = client.toDuplex();
    stream.cork();
    for (const part of ['head', ' ', 'body', '']) stream.write(part);
    stream.uncork();
    expect(Buffer.from((await server.readMessage())!).toString()).toBe('head body');
  });

  it('lets what a listener throws be an uncaught exception, and no end of the stream', async () => {
    const [client, server] = pipe();
    const stream = client.toDuplex();
    const uncaught = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    try {
      const thrown = once(process as unknown as EventEmitter, 'uncaughtException');
      stream.once('data', () => {
        throw new Error('fault of the program');
      });
      await server.writeMessage('x');
      expect(((await thrown) as Error[])[0]!.message).toBe('fault of the program');
    } finally {
      for (const listener of uncaught) process.on('uncaughtException', listener);
    }
    expect(stream.destroyed).toBe(false);
  });

  it('emits timeout after silence, and again after more of it', async () => {
    const [client, server] = pipe();
    const stream = client.toDuplex();
    stream.resume();
    expect(stream.setTimeout(20).timeout).toBe(20);
    await once(stream, 'timeout');
    expect(stream.destroyed).toBe(false);
    await server.writeMessage('traffic');
    await once(stream, 'timeout');
    const never = (): void => expect.unreachable();
    stream.setTimeout(5, never);
    stream.setTimeout(0, never);
    expect(stream.timeout).toBe(0);
    expect(stream.listenerCount('timeout')).toBe(0);
  });

  it('checks its options first', () => {
    const [client] = pipe();
    const wrong = (options: object, code: string): void => {
      try {
        client.toDuplex(options);
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(PoolError);
        expect((error as PoolError).code).toBe(code);
      }
    };
    wrong({ objectMode: 1 }, 'ERR_INVALID_ARG_TYPE');
    wrong({ highWaterMark: -1 }, 'ERR_OUT_OF_RANGE');
    wrong({ signal: {} }, 'ERR_INVALID_ARG_TYPE');
    wrong({ netCodes: 'yes' }, 'ERR_INVALID_ARG_TYPE');
  });
});

describe('the Duplex of a Channel', () => {
  it('closes on this side only', async () => {
    const [client, server] = pipe();
    const [channel, peer] = await Promise.all([client.openChannel(1), server.openChannel(1)]);
    channel.toDuplex().end('over');
    expect(Buffer.from((await peer.readMessage())!).toString()).toBe('over');
    await channel.closed;
    expect([client.state, peer.state]).toEqual(['open', 'open']);
    await client.writeMessage('the Conn goes on');
    expect(Buffer.from((await server.readMessage())!).toString()).toBe('the Conn goes on');
  });
});

function* slices(data: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
}

describe('the contract of a Conn, through toDuplex()', () => {
  const makePipe = async () => {
    const [c1, c2] = pipe();
    return { c1, c2, stop: async () => {} };
  };
  for (const { name, run } of duplexCases(makePipe)) it(name, run);
});
