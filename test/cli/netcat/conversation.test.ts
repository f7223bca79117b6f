import { once } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ChunkSource } from '../../../src/cli/chunk-source.js';
import { converse } from '../../../src/cli/netcat/conversation.js';
import { type PipeOptions, pipe } from '../../../src/testing/index.js';

function conversation(options: { messages?: boolean; quitAfter?: number; pipe?: PipeOptions } = {}) {
  const [conn, peer] = pipe(options.pipe);
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const stop = new AbortController();
  const { messages = false, quitAfter = Infinity } = options;
  const input = new ChunkSource(stdin);
  const over = converse(conn, { input, output: stdout, messages, quitAfter, stop: stop.signal });
  over.catch(() => undefined);
  const printed = (): string => String(stdout.read() ?? '');
  return { conn, peer, stdin, stdout, stop, input, over, printed };
}

describe('a conversation', () => {
  it('carries bytes both ways until the peer closes', async () => {
    const { peer, stdin, over, printed } = conversation();
    stdin.write('to the peer');
    expect(Buffer.from((await peer.readMessage())!).toString()).toBe('to the peer');
    await peer.write('a');
    await peer.write('b');
    await peer.close();
    await over;
    expect(printed()).toBe('ab');
  });

  it('waits for the peer at the end of its input, where nothing else is asked for', async () => {
    const { peer, stdin, over, printed } = conversation();
    stdin.end('question');
    expect((await peer.readMessage())!.length).toBe(8);
    await peer.write('answer');
    await peer.close();
    await over;
    expect(printed()).toBe('answer');
  });

  it('ends after a silence at the end of its input, and not before', async () => {
    const { peer, stdin, over, printed } = conversation({ quitAfter: 300 });
    const began = performance.now();
    stdin.end('question');
    await peer.readMessage();
    await peer.write('answer');
    await over;
    expect(performance.now() - began).toBeGreaterThanOrEqual(299);
    expect(printed()).toBe('answer');
  });

  it('does not count the time in which its output is slow', async () => {
    const [conn, peer] = pipe();
    const stdin = new PassThrough();
    const got: string[] = [];
    let release: () => void = () => undefined;
    const output = new Writable({
      write(chunk: Buffer, _encoding, done) {
        got.push(chunk.toString());
        if (got.length === 1) release = done;
        else done();
      },
    });
    const stop = new AbortController().signal;
    const input = new ChunkSource(stdin);
    const over = converse(conn, { input, output, messages: false, quitAfter: 30, stop });
    stdin.end();
    await peer.write('first');
    while (got.length === 0) await new Promise(setImmediate);
    await peer.write('second');
    await new Promise((resolve) => setTimeout(resolve, 60)); // longer than the silence that ends it
    release();
    await over;
    expect(got).toEqual(['first', 'second']);
  });

  it('sends each line as a message and prints each message as a line', async () => {
    const { peer, stdin, over, printed } = conversation({ messages: true });
    stdin.write('one\ntw');
    stdin.end('o\n\nlast');
    const got: string[] = [];
    while (got.length < 3) got.push(...(await peer.readMessages())!.map((message) => Buffer.from(message).toString()));
    expect(got).toEqual(['one', 'two', 'last']);
    await peer.writeMessages(['eins', 'zwei']);
    await peer.close();
    await over;
    expect(printed()).toBe('eins\nzwei\n');
  });

  it('sends the lines before one that is no message, and fails', async () => {
    const { conn, peer, stdin, over } = conversation({ messages: true });
    stdin.end(`good\n${'x'.repeat(conn.maxMessageSize + 1)}\n`);
    await expect(over).rejects.toMatchObject({ exitCode: 65, message: expect.stringMatching(/^line 2 /) as string });
    expect(Buffer.from((await peer.readMessage())!).toString()).toBe('good');
  });

  it('fails when the peer closes before all was sent, behind what the peer had sent', async () => {
    const { peer, stdin, over, printed } = conversation();
    const filled = Buffer.alloc(8_000_000);
    stdin.write(filled); // more than any queue holds
    await peer.write('enough');
    while (peer.readableLength === 0) await new Promise(setImmediate);
    await peer.close();
    await expect(over).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringContaining('closed the session before everything was sent') as string,
    });
    expect(printed()).toBe('enough');
  });

  it('fails with the session, behind what had come', async () => {
    const { peer, stdin, over, printed } = conversation();
    await peer.write('last words');
    stdin.write('x');
    await peer.readMessage();
    peer.destroy();
    await expect(over).rejects.toMatchObject({ code: 'ERR_POOL_PEER_LOST' });
    expect(printed()).toBe('last words');
  });

  it('fails with its input, and with its output', async () => {
    const first = conversation();
    first.stdin.destroy(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', errno: -5 }));
    await expect(first.over).rejects.toMatchObject({ code: 'EIO' });
    const second = conversation();
    second.stdout.on('error', () => undefined);
    second.stdout.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    await new Promise((resolve) => second.stdout.once('close', resolve));
    await second.peer.write('nobody prints this');
    await expect(second.over).rejects.toMatchObject({ code: 'ERR_STREAM_DESTROYED' });
  });

  it('ends at once when it is stopped', async () => {
    const { stop, over } = conversation();
    stop.abort(new Error('stopped'));
    await expect(over).rejects.toThrow('stopped');
  });

  it('holds no more of a large input than the queues when the peer does not read', async () => {
    const { conn, stdin } = conversation({ pipe: { readQueueBytes: 65536, writeQueueBytes: 65536 } });
    let taken = 0;
    const chunk = Buffer.alloc(65536);
    const more = async (): Promise<void> => {
      while (taken < 64 * 1024 * 1024) {
        taken += chunk.length;
        if (!stdin.write(chunk)) await once(stdin, 'drain');
      }
    };
    void more();
    let last = -1;
    // It stands still where nobody reads: turns in which nothing more is taken.
    for (let still = 0; still < 200; ) {
      await new Promise(setImmediate);
      still = taken === last ? still + 1 : 0;
      last = taken;
    }
    expect(taken).toBeLessThan(4 * 1024 * 1024);
    conn.destroy();
  });

  it('leaves what it has not taken of the input to the next', async () => {
    const first = conversation();
    await first.peer.close();
    await first.over;
    first.stdin.write('for the second');
    const [conn, peer] = pipe();
    const stop = new AbortController();
    const over = converse(conn, {
      input: first.input,
      output: first.stdout,
      messages: false,
      quitAfter: Infinity,
      stop: stop.signal,
    });
    expect(Buffer.from((await peer.readMessage())!).toString()).toBe('for the second');
    await peer.close();
    await over;
  });
});
