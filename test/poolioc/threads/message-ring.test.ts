import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageRing, RING_TABLE_BYTES } from '../../../src/poolioc/threads/message-ring.js';

const LONGEST = 64;

/** Both ends of one ring; in a program they are in different threads. */
function ends(bytes = 4 * LONGEST) {
  const table = new Int32Array(new SharedArrayBuffer(RING_TABLE_BYTES));
  const data = new Uint8Array(new SharedArrayBuffer(bytes));
  const ring = (): MessageRing => new MessageRing(table, data, LONGEST);
  const [writer, taker] = [ring(), ring()];
  writer.begin(true);
  const taken: string[] = [];
  return {
    writer,
    taker,
    data,
    taken,
    drain: (): void => taker.drain((message) => taken.push(Buffer.from(message).toString())),
  };
}

describe('a ring of messages', () => {
  it('keeps order and bytes, whatever the sizes and whoever is faster', () => {
    const steps = fc.array(fc.oneof(fc.constant(null), fc.integer({ min: 0, max: LONGEST })), { maxLength: 400 });
    fc.assert(
      fc.property(steps, fc.boolean(), (sizes, copied) => {
        const { writer, data, taken, drain } = ends();
        const written: string[] = [];
        for (const [n, size] of sizes.entries()) {
          if (size === null) {
            drain();
            expect(taken).toEqual(written);
            continue;
          }
          const message = Buffer.alloc(size, String.fromCharCode(33 + (n % 90)));
          if (copied) {
            if (!writer.put(message, 7)) continue;
          } else {
            const at = writer.room();
            if (at < 0) continue;
            // RECV may write as much as it was given room for.
            data.fill(0, at, at + LONGEST);
            data.set(message, at);
            writer.publish(size, 7);
          }
          written.push(message.toString());
        }
        drain();
        expect(taken).toEqual(written);
      }),
    );
  });

  it('copies in and out with what it was given for that', () => {
    const copied: [to: number, from: number][] = [];
    const [table, data] = [new SharedArrayBuffer(RING_TABLE_BYTES), new SharedArrayBuffer(8192)];
    const ring = new MessageRing(new Int32Array(table), new Uint8Array(data), 4096, (to, from) => {
      copied.push([to.length, from.length]);
      to.set(from);
    });
    ring.begin(true);
    const message = new Uint8Array(4000).fill(9);
    expect(ring.put(message, 0)).toBe(true);
    const taken: Uint8Array[] = [];
    ring.drain((bytes) => taken.push(bytes));
    expect(copied).toEqual([
      [8192, 4000],
      [4000, 4000],
    ]);
    expect(taken).toEqual([message]);
    expect(taken[0]!.buffer).toBeInstanceOf(ArrayBuffer);
  });

  it('tells of the first message after the other side has found nothing, and of no other', () => {
    const { writer, drain } = ends();
    const publish = (): boolean => {
      expect(writer.room()).toBeGreaterThanOrEqual(0);
      return writer.publish(1);
    };
    expect([publish(), publish()]).toEqual([true, false]);
    drain();
    expect([publish(), publish()]).toEqual([true, false]);
  });

  it('takes no more when nothing came for a while, and loses none that came before', () => {
    const { writer, taker } = ends();
    const running = (): boolean => false;
    expect(writer.put(Buffer.from('a'), 3)).toBe(true);
    expect(taker.await(0, 1, running)).toBe(true);
    expect(taker.entry(0)).toMatchObject({ length: 1, tag: 3 });
    expect(taker.await(1, 1, running)).toBe(false);
    expect(writer.put(Buffer.from('b'), 3)).toBe(false);
    writer.begin(false);
    expect(writer.put(Buffer.from('c'), 3)).toBe(true);
    expect(taker.await(0, 1, running)).toBe(true);
  });

  it('tells of the count that was asked for, or says that it is reached', () => {
    const { writer, taker } = ends();
    expect(writer.want(2)).toBe(true);
    expect([taker.took(1), taker.took(2), taker.took(3)]).toEqual([false, true, false]);
    expect(writer.want(3)).toBe(false);
  });
});
