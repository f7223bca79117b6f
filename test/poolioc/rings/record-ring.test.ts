import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RING_HEAD_BYTES, RingReader, RingWriter } from '../../../src/poolioc/rings/record-ring.js';

const BYTES = 2 ** 18;
const LONGEST = 65535;

/** Both ends of one ring; in a program they are in different processes. */
function ends(bytes = BYTES) {
  const buffer = new SharedArrayBuffer(RING_HEAD_BYTES + bytes);
  const memory = { buffer, offset: 0, bytes };
  return { writer: new RingWriter(memory), reader: new RingReader(memory), words: new Int32Array(buffer), buffer };
}

const [WRITTEN, TAKEN] = [0, 16];

function takeAll(reader: RingReader): string[] {
  const taken: string[] = [];
  for (let message = reader.next(); message !== null; message = reader.next()) {
    taken.push(`${message.channel} ${Buffer.from(message.data).toString('latin1')}`);
    reader.took();
  }
  return taken;
}

describe('a ring of records', () => {
  it('keeps order, channels and bytes, whatever the sizes and whoever is faster', () => {
    const size = fc.oneof(
      { weight: 3, arbitrary: fc.integer({ min: 0, max: 300 }) },
      fc.integer({ min: 0, max: LONGEST }),
    );
    const steps = fc.array(fc.oneof(fc.constant(null), size), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (sizes) => {
        const { writer, reader } = ends();
        const written: string[] = [];
        const taken: string[] = [];
        for (const [n, length] of sizes.entries()) {
          if (length === null) {
            taken.push(...takeAll(reader));
            expect(taken).toEqual(written);
            expect(writer.empty).toBe(true);
            continue;
          }
          const message = Buffer.alloc(length, 33 + (n % 90));
          // One that is taken is there at once; one that is not finds room once half of the others are taken.
          if (writer.put(n % 256, message)) written.push(`${n % 256} ${message.toString('latin1')}`);
          else expect(writer.wantRoom()).toBe(true);
        }
        expect([...taken, ...takeAll(reader)]).toEqual(written);
      }),
      { numRuns: 60 },
    );
  });

  it('goes on where the positions run over', () => {
    // Begun anew for each message, 2^32 bytes are over after 256 of them.
    const { writer, reader, words } = ends(2 ** 24);
    const positions: number[] = [];
    for (let n = 0; n < 600; n += 1) {
      expect(writer.put(3, new Uint8Array(LONGEST))).toBe(true);
      expect(reader.next()?.data.length).toBe(LONGEST);
      reader.took();
      positions.push(words[WRITTEN]! >>> 0);
    }
    expect(positions.filter((position, n) => n > 0 && position < positions[n - 1]!)).toHaveLength(2);
    expect(writer.empty).toBe(true);
    expect(reader.next()).toBeNull();
  });

  it('is told of the first message after it found nothing, and of no other', () => {
    const { writer, reader } = ends();
    writer.put(0, Buffer.from('a'));
    expect(writer.tells()).toBe(false);
    expect(reader.rest()).toBe(false);
    takeAll(reader);
    expect(reader.rest()).toBe(true);
    writer.put(0, Buffer.from('b'));
    expect([writer.tells(), writer.tells()]).toEqual([true, false]);
    expect(reader.rest()).toBe(false);
  });

  it('tells the writer when half is free, or all, once, and only one that asked', () => {
    const { writer, reader } = ends();
    const put = (): number => {
      let count = 0;
      while (writer.put(0, new Uint8Array(8184))) count += 1;
      return count;
    };
    const tells = (): boolean[] =>
      [...Array(32).keys()].map(() => {
        reader.next();
        return reader.took();
      });
    expect(put()).toBe(32);
    expect(tells()).toEqual(Array(32).fill(false));
    put();
    expect(writer.wantRoom()).toBe(true);
    expect(tells().flatMap((told, at) => (told ? [at] : []))).toEqual([15]);
    put();
    expect(writer.wantEmpty()).toBe(true);
    expect(tells().flatMap((told, at) => (told ? [at] : []))).toEqual([31]);
    expect([writer.wantRoom(), writer.wantEmpty()]).toEqual([false, false]);
  });

  it('hands over all that is there by now, until somebody wants no more of it', () => {
    const { writer, reader } = ends();
    const got: string[] = [];
    for (const text of ['a', 'b', 'c']) writer.put(0, Buffer.from(text));
    reader.takeAll(({ data }) => {
      // What is written meanwhile would go on for ever.
      writer.put(0, Buffer.from('later'));
      return got.push(Buffer.from(data).toString()) > 0;
    });
    expect(got).toEqual(['a', 'b', 'c']);
    reader.takeAll(() => false);
    expect(Buffer.from(reader.next()!.data).toString()).toBe('later');
  });

  it('has room for the longest message once it is empty, wherever it stands', () => {
    for (let at = 0; at < BYTES; at += 32_768) {
      const { writer, reader } = ends();
      for (let left = at; left > 0; left -= 32_768) {
        expect(writer.put(0, new Uint8Array(32_760))).toBe(true);
        reader.next();
        reader.took();
      }
      expect(writer.put(9, new Uint8Array(LONGEST))).toBe(true);
      expect(reader.next()).toMatchObject({ channel: 9 });
    }
  });

  it('uses its beginning again and again where messages are taken as they come', () => {
    const { writer, reader, buffer } = ends();
    for (let n = 0; n < 10_000; n += 1) {
      writer.put(0, Buffer.alloc(1000, 1));
      reader.next();
      reader.took();
    }
    const used = new Uint8Array(buffer, RING_HEAD_BYTES).findLastIndex((byte) => byte !== 0);
    expect(used).toBeLessThan(80_000);
  });

  it('believes nothing that the other side wrote', () => {
    const position = fc.oneof(
      fc.integer(),
      fc.integer({ min: 0, max: 100 }).map((words) => 8 * words),
      fc.constantFrom(BYTES, BYTES / 2, BYTES + 8),
    );
    // Of a message: lengths that are some, and those at and behind every edge.
    const length = fc.oneof(
      fc.integer({ min: 0, max: 40 }),
      fc.constantFrom(LONGEST, LONGEST + 1, BYTES, 2 ** 31, 2 ** 32 - 1),
      fc.nat(),
    );
    const lengths = fc.array(length, { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(lengths, position, position, (claimed, written, taken) => {
        const { writer, reader, words, buffer } = ends();
        const headers = new Uint32Array(buffer, RING_HEAD_BYTES);
        let at = 0;
        for (const one of claimed) {
          if (at < BYTES) headers[at / 4] = one;
          at += 8 + ((Math.min(one, LONGEST) + 7) & ~7);
        }
        words[WRITTEN] = written;
        let [count, bytes, wrong] = [0, 0, ''];
        try {
          for (let message = reader.next(); message !== null && wrong === ''; message = reader.next()) {
            const { length: got } = message.data;
            if (got !== (claimed[count] ?? 0)) wrong = `message ${count} has ${got} bytes`;
            reader.took();
            count += 1;
            bytes += 8 + got;
            if (bytes > written) wrong = `${bytes} bytes of ${written}`;
          }
        } catch (error) {
          expect(error).toMatchObject({ code: 'EPROTO' });
        }
        expect(wrong).toBe('');
        words[TAKEN] = taken;
        try {
          writer.put(0, new Uint8Array(100));
        } catch (error) {
          expect(error).toMatchObject({ code: 'EPROTO' });
        }
      }),
      { numRuns: 300 },
    );
  });
});
