import { getEventListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/base/errors.js';
import type { Flow } from '../../../src/pool/flow/flow.js';
import { pipe } from '../../../src/testing/index.js';
import { reached, timeout, tries } from '../../reliability/figures.js';
import { fcSeed } from '../seed.js';

/** Narrow, so that calls of a few bytes meet every bound. */
const narrow = { maxMessageSize: 10, wireBytes: 60, readQueueBytes: 500, writeQueueBytes: 500 };

/** How a call is cut short: by a signal after so many turns, by a deadline for so many turns, or not. */
type Cut = { by: 'signal' | 'deadline'; after: number } | null;
interface Move {
  kind: 0 | 1 | 2;
  size: number;
  cut: Cut;
}

const move: fc.Arbitrary<Move> = fc.record({
  kind: fc.constantFrom(0, 1, 2),
  size: fc.integer({ min: 1, max: 35 }),
  cut: fc.option(fc.record({ by: fc.constantFrom('signal', 'deadline'), after: fc.nat({ max: 3 }) }), { freq: 1 }),
});

/** Calls, and cuts the call short; gives what it settled with. */
async function cutShort<T>(
  cut: Cut,
  setDeadline: (at: number | null) => void,
  call: (signal?: AbortSignal) => Promise<T>,
): Promise<PromiseSettledResult<T>> {
  const controller = new AbortController();
  const settling = Promise.allSettled([call(cut?.by === 'signal' ? controller.signal : undefined)]);
  if (cut !== null) {
    for (let i = 0; i < cut.after; i++) await turn();
    if (cut.by === 'signal') controller.abort();
    else setDeadline(1);
    await turn();
    setDeadline(null);
  }
  const [result] = await settling;
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  return result;
}

/** Writes numbered bytes; gives those that were sent by what the calls said. */
async function write(flow: Flow, moves: readonly Move[]): Promise<number[]> {
  let next = 0;
  const sent: number[] = [];
  for (const { kind, size, cut } of moves) {
    const data = Uint8Array.from({ length: kind === 1 ? Math.min(size, flow.maxMessageSize) : size }, () => next++);
    const pieces = Array.from({ length: Math.ceil(data.length / 3) }, (_, i) => data.subarray(3 * i, 3 * i + 3));
    const result = await cutShort<unknown>(
      cut,
      (at) => flow.setWriteDeadline(at),
      (signal) => {
        const options = { signal };
        if (kind === 0) return flow.write(data, options);
        return kind === 1 ? flow.writeMessage(data, options) : flow.writeMessages(pieces, options);
      },
    );
    if (result.status === 'fulfilled') sent.push(...data);
    else if (result.reason instanceof PoolError) sent.push(...data.subarray(0, result.reason.bytesWritten ?? 0));
    data.fill(0xee);
  }
  await flow.close();
  return sent;
}

/** Reads until the end, with the moves again and again. */
async function read(flow: Flow, moves: readonly Move[]): Promise<number[]> {
  const got: number[] = [];
  for (let i = 0; ; i++) {
    const { kind, size, cut } = moves[i % moves.length]!;
    const buffer = new Uint8Array(size);
    const result = await cutShort(
      // A reader that never waits for anything would never come to the end.
      i % 3 === 0 ? null : cut,
      (at) => flow.setReadDeadline(at),
      async (signal): Promise<Uint8Array[] | null> => {
        if (kind === 0) {
          const count = await flow.read(buffer, { signal });
          return count === null ? null : [buffer.subarray(0, count)];
        }
        if (kind === 2) return flow.readMessages({ signal, max: size });
        const message = await flow.readMessage({ signal });
        return message && [message];
      },
    );
    if (result.status === 'rejected') continue;
    if (result.value === null) return got;
    for (const bytes of result.value) got.push(...bytes);
  }
}

describe('a flow', () => {
  it('loses and doubles nothing, whatever is cancelled and timed out', { timeout: timeout('P2') }, async () => {
    const histories = tries('P2');
    const moves = fc.array(move, { minLength: 1, maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(moves, moves, async (writes, reads) => {
        const [a, b] = pipe(narrow);
        const [sent, got] = await Promise.all([write(a, writes), read(b, reads)]);
        expect(got).toEqual(sent);
        b.destroy();
      }),
      fcSeed('flow: cancelled and timed out', histories),
    );
    reached('P2', histories);
  });

  it('settles every call and ends once, whoever does what when', { timeout: timeout('R1') }, async () => {
    const histories = tries('R1');
    const act = fc.record({
      end: fc.constantFrom(0, 1),
      what: fc.constantFrom(
        'read',
        'write',
        'batch',
        'loop',
        'open',
        'close',
        'destroy',
        'past',
        'clear',
        'turn',
        'turn',
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 40 }), async (acts) => {
        const ends = pipe(narrow);
        const results: Promise<PromiseSettledResult<unknown>[]>[] = [];
        const calls = { push: (...promises: Promise<unknown>[]) => void results.push(Promise.allSettled(promises)) };
        const endings = [0, 0];
        ends.forEach((end, i) => void end.closed.then(() => (endings[i]! += 1)));
        for (const { end: i, what } of acts) {
          const end = ends[i];
          if (what === 'turn') await turn();
          else if (what === 'read') calls.push(end.read(new Uint8Array(5)), end.readMessages());
          else if (what === 'write') calls.push(end.write(new Uint8Array(45)), end.writeMessage('x'));
          else if (what === 'batch') calls.push(end.writeMessages(['a', 'b']));
          else if (what === 'loop') calls.push(end[Symbol.asyncIterator]().next());
          else if (what === 'open') calls.push(end.openChannel(1).then((channel) => channel.writeMessage('y')));
          else if (what === 'close') calls.push(end.close({ closeTimeout: 20 }));
          else if (what === 'destroy') end.destroy();
          else end.setDeadline(what === 'past' ? 1 : null);
        }
        for (const end of ends) calls.push(end.close({ closeTimeout: 20 }));
        for (const result of (await Promise.all(results)).flat()) {
          if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(PoolError);
        }
        await Promise.all(ends.map((end) => end.closed));
        await turn();
        expect(endings).toEqual([1, 1]);
        expect(ends.map((end) => end.state)).toEqual(['closed', 'closed']);
      }),
      fcSeed('flow: any order', histories),
    );
    reached('R1', histories);
  });
});

describe('memory that its owner gives away while a call waits', () => {
  /** Detaches it, as `postMessage` does with what is named to be transferred. */
  const giveAway = ({ buffer }: Uint8Array): void =>
    void structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
  const gone = {
    code: 'ERR_INVALID_ARG_VALUE',
    message: expect.stringMatching(/: the (memory|buffer) was transferred or resized /) as string,
  };

  it("fails that read alone, and the message is the next read's", async () => {
    const [conn, peer] = pipe();
    const buffer = new Uint8Array(10);
    const [read, next] = [conn.read(buffer), conn.readMessage()];
    giveAway(buffer);
    await peer.writeMessage('kept');
    await expect(read).rejects.toMatchObject(gone);
    expect(Buffer.from((await next)!).toString()).toBe('kept');
    await Promise.all([conn.close(), peer.close()]);
  });

  it.each(['write', 'writeMessage', 'writeMessages'] as const)('fails that %s alone', async (op) => {
    const [conn, peer] = pipe(narrow);
    const filling = conn.write(new Uint8Array(200));
    const data = new Uint8Array(10);
    const calls = {
      write: () => conn.write(data),
      writeMessage: () => conn.writeMessage(data),
      writeMessages: () => conn.writeMessages([data.subarray(0, 5), data.subarray(5)]),
    };
    const call = calls[op]().catch((error: unknown) => error);
    const after = conn.writeMessage('after');
    giveAway(data);
    let last = '';
    for (let left = 200 + 5; left > 0; left -= last.length) last = Buffer.from((await peer.readMessage())!).toString();
    expect(await call).toMatchObject(gone);
    expect(last).toBe('after');
    await Promise.all([filling, after]);
    expect([conn.writableLength, conn.state]).toEqual([0, 'open']);
    await Promise.all([conn.close(), peer.close()]);
  });

  it('a write tells how much of it went out', async () => {
    const [conn, peer] = pipe(narrow);
    const data = new Uint8Array(500);
    const write = conn.write(data).catch((error: unknown) => error);
    let got = (await peer.readMessage())!.length;
    giveAway(data);
    const reading = (async () => {
      for await (const message of peer) got += message.length;
    })();
    const error = await write;
    expect(error).toMatchObject(gone);
    await conn.close();
    await reading;
    expect((error as PoolError).bytesWritten).toBe(got);
    expect(got).toBeLessThan(500);
  });
});
