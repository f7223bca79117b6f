/**
 * The rules about reads and writes: messages and bytes, batches, limits, order, cancellation, backpressure.
 */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import type { PoolError } from '../base/errors.js';
import { MAX_PORTABLE_MESSAGE } from '../pool/constants.js';
import {
  cancels,
  type Check,
  discard,
  endlessMessages,
  pattern,
  readBytes,
  readText,
  rejects,
  text,
  turn,
  until,
  meanwhile,
} from './contract-case.js';
import { setTimeout } from '../base/timers.js';

export const readingAndWriting: Readonly<Record<string, Check>> = {
  'messages keep their boundaries and their order': async ({ c1, c2 }) => {
    const sizes = [1, 2, 3, 79, 80, 81, 1400, 4096, 65_511 - 16, c1.maxMessageSize - 1, c1.maxMessageSize, 1];
    const writing = meanwhile(Promise.all(sizes.map((size) => c1.writeMessage(pattern(size, size)))));
    for (const size of sizes) {
      const message = await c2.readMessage();
      assert.ok(Buffer.from(pattern(size, size)).equals(message!), `the message of ${size} bytes differs`);
    }
    await writing;
  },

  'a read fills from one message and keeps the rest': async ({ c1, c2 }) => {
    await c1.writeMessages(['abcdef', 'gh']);
    const buffer = Buffer.alloc(4);
    const reads: string[] = [];
    for (let i = 0; i < 3; i++) reads.push(buffer.toString('utf8', 0, (await c2.read(buffer))!));
    assert.deepEqual(reads, ['abcd', 'ef', 'gh']);
  },

  'after a part of a message every kind of read gives the rest': async ({ c1, c2 }) => {
    const part = new Uint8Array(2);
    await c1.writeMessages(['abcdef', 'ghijkl', 'm']);
    await c2.read(part);
    assert.equal(await readText(c2), 'cdef');
    await c2.read(part);
    assert.equal(text((await c2.readMessages({ max: 1 }))![0]!), 'ijkl');
    assert.equal(await readText(c2), 'm');
  },

  'readText gives a message as text, what is left of one too, and null at the end': async ({ c1, c2 }) => {
    const texts = ['plain', 'gr\u00fc\u00dfe \u{1f600}', '\ufeffmark', '\0'];
    await c1.writeMessages(texts);
    for (const expected of texts) assert.equal(await c2.readText(), expected);
    await c1.writeMessages(['abcdef', Uint8Array.of(0x61, 0xff)]);
    await c2.read(new Uint8Array(2));
    assert.equal(await c2.readText(), 'cdef');
    assert.equal(await c2.readText(), 'a\ufffd');
    const pending = meanwhile(c2.readText());
    await c1.writeMessage('last');
    assert.equal(await pending, 'last');
    await c1.close();
    assert.equal(await c2.readText(), null);
  },

  'readMessages gives what is queued, between one and max': async ({ c1, c2 }) => {
    await c1.writeMessages(['a', 'b', 'c', 'd', 'e']);
    await until(() => c2.readableLength === 5);
    assert.deepEqual((await c2.readMessages({ max: 2 }))!.map(text), ['a', 'b']);
    assert.deepEqual((await c2.readMessages())!.map(text), ['c', 'd', 'e']);
    const pending = meanwhile(c2.readMessages());
    await c1.writeMessage('f');
    assert.deepEqual((await pending)!.map(text), ['f']);
  },

  'a read into a buffer without bytes is 0 at once': async ({ c1, c2 }) => {
    assert.equal(await c2.read(new Uint8Array(0)), 0);
    await c1.writeMessage('x');
    assert.equal(await readText(c2), 'x');
  },

  'write sends what is longer than a message in several': async ({ c1, c2 }) => {
    const data = pattern(2 * c1.maxMessageSize + 5);
    const writing = meanwhile(c1.write(data));
    const sizes: number[] = [];
    const got: Uint8Array[] = [];
    for (let left = data.length; left > 0; left -= got.at(-1)!.length) {
      got.push((await c2.readMessage())!);
      sizes.push(got.at(-1)!.length);
    }
    assert.equal(await writing, data.length);
    const piece = pieceOf(c1);
    assert.deepEqual(sizes, [piece, piece, data.length - 2 * piece]);
    assert.ok(Buffer.concat(got).equals(data));
  },

  'write of nothing is 0 and no message': async ({ c1, c2 }) => {
    assert.equal(await c1.write(''), 0);
    assert.equal(await c1.write(new Uint8Array(0)), 0);
    await c1.writeMessages([]);
    await c1.writeMessage('next');
    assert.equal(await readText(c2), 'next');
  },

  'strings travel as UTF-8': async ({ c1, c2 }) => {
    assert.equal(await c1.write('grüße, 世界'), 15);
    assert.equal(await readText(c2), 'grüße, 世界');
  },

  'a message that is empty or too long is refused before anything is sent': async ({ c1, c2 }) => {
    const long = new Uint8Array(c1.maxMessageSize + 1);
    await rejects(c1.writeMessage(''), 'ERR_INVALID_ARG_VALUE');
    await rejects(c1.writeMessage(long), 'ERR_POOL_MESSAGE_TOO_LARGE');
    await rejects(c1.writeMessages(['good', long]), 'ERR_POOL_MESSAGE_TOO_LARGE');
    await rejects(c1.writeMessages(['good', '']), 'ERR_INVALID_ARG_VALUE');
    await c1.writeMessage('next');
    assert.equal(await readText(c2), 'next');
  },

  'bad arguments reject with their code and change nothing': async ({ c1, c2 }) => {
    const bad = <T>(value: unknown): T => value as T;
    const calls: [Promise<unknown>, string][] = [
      [c1.write(bad(5)), 'ERR_INVALID_ARG_TYPE'],
      [c1.write(bad(null)), 'ERR_INVALID_ARG_TYPE'],
      [c1.writeMessage(bad(new Float64Array(1))), 'ERR_INVALID_ARG_TYPE'],
      [c1.writeMessages(bad('abc')), 'ERR_INVALID_ARG_TYPE'],
      [c1.writeMessages(bad([1])), 'ERR_INVALID_ARG_TYPE'],
      [c1.read(bad('abc')), 'ERR_INVALID_ARG_TYPE'],
      [c1.read(bad(undefined)), 'ERR_INVALID_ARG_TYPE'],
      [c1.readMessage(bad({ signal: 'no' })), 'ERR_INVALID_ARG_TYPE'],
      [c1.readMessage(bad(7)), 'ERR_INVALID_ARG_TYPE'],
      [c1.readText(bad({ signal: 'no' })), 'ERR_INVALID_ARG_TYPE'],
      [c1.readMessages({ max: 0 }), 'ERR_OUT_OF_RANGE'],
      [c1.readMessages({ max: 1.5 }), 'ERR_OUT_OF_RANGE'],
      [c1.readMessages({ max: bad('1') }), 'ERR_INVALID_ARG_TYPE'],
      [c1.close({ closeTimeout: -1 }), 'ERR_OUT_OF_RANGE'],
      [c1.close({ closeTimeout: bad('1') }), 'ERR_INVALID_ARG_TYPE'],
    ];
    for (const [call, code] of calls) await rejects(call, code);
    await c1.writeMessage('next');
    assert.equal(await readText(c2), 'next');
  },

  'a signal that fired before the call ends it at once': async ({ c1, c2 }) => {
    await c2.writeMessage('for the next read');
    await until(() => c1.readableLength > 0);
    const { signal } = withReason();
    await cancels(c1.read(new Uint8Array(5), { signal }), signal);
    await cancels(c1.readMessage({ signal }), signal);
    await cancels(c1.readText({ signal }), signal);
    await cancels(c1.readMessages({ signal }), signal);
    await cancels(c1.write('x', { signal }), signal);
    await cancels(c1.writeMessage('x', { signal }), signal);
    await cancels(c1.writeMessages(['x'], { signal }), signal);
    await cancels(c1.openChannel(1, { signal }), signal);
    await cancels(c1.telemetry({ signal }), signal);
    assert.equal(await readText(c1), 'for the next read');
  },

  'a cancelled read loses nothing, and the signal keeps no listener': async ({ c1, c2 }) => {
    const controller = new AbortController();
    const { signal } = controller;
    const reads = [
      c1.read(new Uint8Array(9), { signal }),
      c1.readMessage({ signal }),
      c1.readText({ signal }),
      c1.readMessages({ signal }),
    ].map((read) => cancels(read, signal));
    const last = meanwhile(readText(c1));
    controller.abort(new Error('enough'));
    await Promise.all(reads);
    await c2.writeMessage('kept');
    assert.equal(await last, 'kept');

    const settled = new AbortController().signal;
    const read = meanwhile(c1.readMessage({ signal: settled }));
    await c2.writeMessage('more', { signal: settled });
    assert.equal(text(await read), 'more');
    assert.equal(getEventListeners(settled, 'abort').length, 0);
  },

  'reads are served in the order of their calls': async ({ c1, c2 }) => {
    const buffer = Buffer.alloc(1);
    const order: string[] = [];
    const reads = [
      c2.readMessage().then((message) => order.push(`message ${text(message)}`)),
      c2.read(buffer).then(() => order.push(`bytes ${buffer.toString()}`)),
      c2.readMessage().then((message) => order.push(`message ${text(message)}`)),
      c2.readMessages({ max: 1 }).then((batch) => order.push(`batch ${batch!.map(text).join()}`)),
    ];
    await c1.writeMessages(['1', '23', '4']);
    await Promise.all(reads);
    assert.deepEqual(order, ['message 1', 'bytes 2', 'message 3', 'batch 4']);
  },

  'writes leave in the order of their calls': async ({ c1, c2 }) => {
    const writes: Promise<unknown>[] = [];
    for (let i = 0; i < 300; i += 3) {
      writes.push(c1.writeMessage(`${i}`), c1.write(`${i + 1}`), c1.writeMessages([`${i + 2}`]));
    }
    for (let i = 0; i < 300; i++) assert.equal(await readText(c2), `${i}`);
    await Promise.all(writes);
  },

  "a buffer is the caller's again when its write has settled": async ({ c1, c2 }) => {
    const buffer = new Uint8Array(50_000);
    for (let i = 1; i <= 20; i++) {
      await c1.writeMessage(buffer.fill(i));
      buffer.fill(0xee);
    }
    for (let i = 1; i <= 20; i++) {
      const message = await c2.readMessage();
      assert.ok(
        message!.every((byte) => byte === i),
        `message ${i} was changed after its write had settled`,
      );
    }
  },

  'a writer waits for a peer that does not read, and loses nothing': async ({ c1, c2 }) => {
    const messages = endlessMessages(c1.maxMessageSize);
    let written = 0;
    let enough = false;
    const writing = (async () => {
      for (; written < messages.length && !enough; written++) await c1.writeMessage(messages[written]!);
    })();
    // The peer reads ahead up to its bound, and the system holds some: then nothing moves any more.
    await standstill(() => written);
    enough = true;
    const waiting = written;
    assert.ok(waiting < messages.length, 'nothing held the writer back');
    assert.ok(c2.readableLength < 2 * 1_048_576 + c1.maxMessageSize, `${c2.readableLength} bytes are queued unread`);
    for (let i = 0; i <= waiting; i++) assert.ok(same(messages[i]!, await c2.readMessage()), `message ${i}`);
    await writing;
  },

  'a cancelled writeMessage has not been sent, and any other has': async ({ c1, c2 }) => {
    const controller = new AbortController();
    const { signal } = controller;
    const writes = endlessMessages(c1.maxMessageSize).map((message) => c1.writeMessage(message, { signal }));
    await standstill(() => c1.writableLength);
    controller.abort(new Error('enough'));
    const results = await Promise.allSettled(writes);
    assert.equal(getEventListeners(signal, 'abort').length, 0);
    const sent = results.flatMap(({ status }, i) => (status === 'fulfilled' ? [i] : []));
    assert.ok(sent.length > 0 && sent.length < writes.length, `${sent.length} of ${writes.length} were sent`);
    for (const i of sent) assert.equal(Buffer.from((await c2.readMessage())!).readUInt32BE(), i);
    await c1.writeMessage('next');
    assert.equal(await readText(c2), 'next');
  },

  'a write that stops between messages says how much went out': async ({ c1, c2 }) => {
    const stop = async (how: () => void, write: Promise<unknown>, code: string): Promise<PoolError> => {
      await standstill(() => c1.writableLength);
      how();
      return rejects(write, code);
    };
    const piece = pieceOf(c1);
    const numbered = endlessMessages(piece);
    const data = new Uint8Array(numbered[0]!.buffer);
    const controller = new AbortController();
    const cancelled = await stop(() => controller.abort(), c1.write(data, { signal: controller.signal }), 'ABORT_ERR');
    assert.equal(cancelled.name, 'AbortError');
    const got = await readBytes(c2, cancelled.bytesWritten!);
    assert.ok(same(data.subarray(0, got.length), got));
    assert.equal(got.length % piece, 0);

    const messages = endlessMessages(c1.maxMessageSize);
    const late = await stop(() => c1.setWriteDeadline(1), c1.writeMessages(messages), 'ERR_POOL_TIMEOUT');
    for (let i = 0; i < late.messagesWritten!; i++) {
      assert.ok(same(messages[i]!, await c2.readMessage()), `message ${i}`);
    }
    c1.setWriteDeadline(null);
    await c1.writeMessage('next');
    assert.equal(await readText(c2), 'next');
  },

  'both directions can be full at once': async ({ c1, c2 }) => {
    const size = 300 * c1.maxMessageSize;
    const writes = [c1.write(pattern(size, 1)), c2.write(pattern(size, 2))];
    await standstill(() => c1.writableLength + c2.writableLength);
    const [at1, at2] = await Promise.all([readBytes(c1, size), readBytes(c2, size)]);
    await Promise.all(writes);
    assert.ok(Buffer.from(at1).equals(pattern(size, 2)) && Buffer.from(at2).equals(pattern(size, 1)));
  },

  'what was sent and received is counted': async ({ c1, c2 }) => {
    await c1.writeMessages(['abc', 'de']);
    await until(() => c2.readableLength === 5);
    await c2.read(new Uint8Array(1));
    assert.equal(c1.bytesWritten, 5);
    assert.equal(c1.writableLength, 0);
    assert.equal(c2.bytesRead, 5);
    assert.equal(c2.readableLength, 4);
    void discard(c2);
  },
};

function same(sent: Uint8Array, received: Uint8Array | null): boolean {
  return received !== null && Buffer.compare(sent, received) === 0;
}

function withReason(): AbortController {
  const controller = new AbortController();
  controller.abort(new Error('enough'));
  return controller;
}

/** Waits until a figure stops moving for a while. */
async function standstill(figure: () => number): Promise<void> {
  for (let last = NaN, same = 0; same < 20; ) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    await turn();
    same = figure() === last ? same + 1 : 0;
    last = figure();
  }
}

/** What `write` cuts bytes into that are too long for one message. */
const pieceOf = ({ maxMessageSize }: { maxMessageSize: number }): number =>
  Math.min(maxMessageSize, MAX_PORTABLE_MESSAGE);
