import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/base/errors.js';
import { FRAGMENT_TIMEOUT_NS, LIMITS } from '../../../src/poolnode/protocol/constants.js';
import { cutMessage, Reassembly } from '../../../src/poolnode/protocol/fragments.js';
import { readFragmentHeader, writeFragment } from '../../../src/poolnode/protocol/payloads.js';
import { reached, timeout, tries } from '../../reliability/figures.js';
import { seeded } from './seeded.js';

const S = 1_000_000_000n;
const counted = (size: number): Uint8Array => Uint8Array.from({ length: size }, (_, i) => (i * 7 + 3) % 256);

interface Piece {
  id?: number;
  at: number;
  size: number;
  total?: number;
  channel?: number;
  last?: boolean;
}

const LONG = counted(65_535);
const DATA = counted(3_000);

function add(reassembly: Reassembly, { id = 1, at, size, total = 3_000, channel = 4, last = false }: Piece) {
  const bytes = LONG.subarray(at, at + size);
  return reassembly.add(channel, writeFragment({ messageId: id, offset: at, total }, bytes), last, 0n);
}

describe('Reassembly', () => {
  it('puts a message together, in order and with the middle out of order', () => {
    for (const order of [
      [0, 1_000],
      [1_000, 0],
    ]) {
      const reassembly = new Reassembly();
      for (const at of order) expect(add(reassembly, { at, size: 1_000 })).toBeNull();
      expect(reassembly.bytes).toBe(3_000);
      expect(add(reassembly, { at: 2_000, size: 1_000, last: true })).toEqual(DATA);
      expect([reassembly.messages, reassembly.bytes, reassembly.deadline]).toEqual([0, 0, null]);
    }
  });

  it('passes a message in one fragment on without a copy', () => {
    const plaintext = writeFragment({ messageId: 7, offset: 0, total: 5 }, counted(5));
    const data = new Reassembly().add(0, plaintext, true, 0n)!;
    expect(data).toEqual(counted(5));
    expect(data.buffer).toBe(plaintext.buffer);
  });

  it('holds several messages apart, and takes an id again once its message is done', () => {
    const reassembly = new Reassembly();
    add(reassembly, { id: 1, at: 0, size: 1_000 });
    add(reassembly, { id: 2, at: 0, size: 2_000, channel: 9 });
    expect(add(reassembly, { id: 2, at: 2_000, size: 1_000, channel: 9, last: true })).toEqual(DATA);
    expect(add(reassembly, { id: 1, at: 1_000, size: 2_000, last: true })).toEqual(DATA);
    expect(add(reassembly, { id: 1, at: 0, size: 1_000 })).toBeNull();
  });

  it.each<[fault: string, pieces: Piece[]]>([
    ['without bytes', [{ at: 0, size: 0 }]],
    ['reaches beyond', [{ at: 2_999, size: 2 }]],
    ['reaches beyond', [{ at: 0, size: 1, total: 0 }]],
    [
      'overlap',
      [
        { at: 0, size: 1_000 },
        { at: 0, size: 1_000 },
      ],
    ],
    [
      'overlap',
      [
        { at: 1_000, size: 1_000 },
        { at: 500, size: 501 },
      ],
    ],
    [
      'overlap',
      [
        { at: 0, size: 1_000 },
        { at: 999, size: 10 },
      ],
    ],
    [
      'overlap',
      [
        { at: 100, size: 10 },
        { at: 0, size: 1_000 },
      ],
    ],
    [
      'overlap',
      [
        { at: 100, size: 100 },
        { at: 150, size: 10 },
      ],
    ],
    [
      'length',
      [
        { at: 0, size: 10 },
        { at: 10, size: 10, total: 2_999 },
      ],
    ],
    [
      'channel',
      [
        { at: 0, size: 10 },
        { at: 10, size: 10, channel: 5 },
      ],
    ],
    [
      'LAST_FRAG came before',
      [
        { at: 0, size: 10 },
        { at: 20, size: 10, last: true },
      ],
    ],
    ['LAST_FRAG came before', [{ at: 2_000, size: 1_000, last: true }]],
    [
      'without LAST_FRAG',
      [
        { at: 0, size: 1_000 },
        { at: 1_000, size: 2_000 },
      ],
    ],
    ['without LAST_FRAG', [{ at: 0, size: 3_000 }]],
  ])('refuses %s: %j', (fault, pieces) => {
    const reassembly = new Reassembly();
    const last = pieces.at(-1)!;
    for (const piece of pieces.slice(0, -1)) add(reassembly, piece);
    expect(() => add(reassembly, last)).toThrowError(
      expect.objectContaining({ code: 'ERR_POOL_PROTOCOL', message: expect.stringContaining(fault) as string }),
    );
  });

  it('does not let a duplicate complete a message with holes, as the module does', () => {
    const reassembly = new Reassembly();
    add(reassembly, { at: 0, size: 1_000 });
    add(reassembly, { at: 1_000, size: 1_000 });
    expect(() => add(reassembly, { at: 1_000, size: 1_000, last: true })).toThrowError(/overlap/);
  });

  it('holds 16 messages of 64 KiB and not one more', () => {
    const reassembly = new Reassembly();
    for (let id = 0; id < 16; id++) add(reassembly, { id, at: 0, size: 1, total: 65_535 });
    expect(reassembly.bytes).toBeLessThanOrEqual(1.1 * 1_048_576);
    expect(() => add(reassembly, { id: 16, at: 0, size: 1, total: 2 })).toThrowError(/too many messages/);
    reassembly.clear();
    expect([reassembly.messages, reassembly.bytes]).toEqual([0, 0]);
  });

  it('takes 256 fragments of a message and not one more', () => {
    for (const [count, fits] of [
      [256, true],
      [257, false],
    ] as const) {
      const reassembly = new Reassembly();
      const all = (): void => {
        for (let at = 0; at < count; at++) add(reassembly, { at, size: 1, total: count, last: at === count - 1 });
      };
      if (fits) expect(all).not.toThrow();
      else expect(all).toThrowError(/too many fragments/);
    }
  });

  it('gives each message 5 s from its first fragment, not counting time in which nothing is read', () => {
    const reassembly = new Reassembly();
    reassembly.add(0, writeFragment({ messageId: 1, offset: 0, total: 9 }, counted(1)), false, 10n * S);
    reassembly.shiftDeadlines(100n * S);
    reassembly.add(0, writeFragment({ messageId: 2, offset: 0, total: 9 }, counted(1)), false, 112n * S);
    expect(reassembly.deadline).toBe(115n * S);
    reassembly.add(0, writeFragment({ messageId: 1, offset: 1, total: 9 }, counted(8)), true, 113n * S);
    expect(reassembly.deadline).toBe(117n * S);
  });
});

describe('fragments at random', () => {
  it('hold no more than the limits, whole messages are right, and each has its deadline', {
    timeout: timeout('M1'),
  }, () => {
    const random = seeded('fragment bombs');
    const wanted = tries('M1');
    const outcomes = { taken: 0, whole: 0, refused: 0 };
    let reassembly = new Reassembly();
    for (let i = 0; i < wanted; i++) {
      const total = [0, 1, 8, 3_000, 65_535][random.int(5)]!;
      const at = random.int(3) === 0 ? random.int(65_536) : Math.min(total, 1_000 * random.int(3));
      const rest = Math.max(0, total - at);
      const size = random.int(4) === 0 ? random.int(70) : Math.min(rest, 1_000);
      const last = rest === size;
      try {
        const message = add(reassembly, { id: random.int(24), at, size, total, channel: random.int(2), last });
        if (message === null) outcomes.taken++;
        else {
          outcomes.whole++;
          // Every fragment carried the part of LONG that stands at its offset.
          if (Buffer.compare(message, LONG.subarray(0, message.length)) !== 0 && message.length !== size) {
            expect(message).toEqual(LONG.subarray(0, message.length));
          }
        }
      } catch (error) {
        if (!(error instanceof PoolError)) throw error;
        expect(error.code).toBe('ERR_POOL_PROTOCOL');
        outcomes.refused++;
        // As a session does, which ends then.
        reassembly.clear();
        reassembly = new Reassembly();
      }
      if (reassembly.messages > LIMITS.fragmentedMessages || reassembly.bytes > LIMITS.reassemblyBytes) {
        expect([reassembly.messages, reassembly.bytes]).toBe('within the limits');
      }
      if (reassembly.messages > 0 && reassembly.deadline !== FRAGMENT_TIMEOUT_NS) {
        expect(reassembly.deadline).toBe(FRAGMENT_TIMEOUT_NS);
      }
    }
    for (const times of Object.values(outcomes)) expect(times).toBeGreaterThan(0);
    reached('M1', wanted);
  });
});

describe('cut', () => {
  it.each([65_520, 65_535])('makes two fragments of %i bytes, the first as long as a packet takes', (size) => {
    const data = counted(size);
    const [first, last] = cutMessage(3, data);
    expect(first.length).toBe(65_519);
    expect(readFragmentHeader(first)).toEqual({ messageId: 3, offset: 0, total: size });
    expect(readFragmentHeader(last)).toEqual({ messageId: 3, offset: 65_511, total: size });
    const reassembly = new Reassembly();
    expect(reassembly.add(1, first, false, 0n)).toBeNull();
    expect(reassembly.add(1, last, true, 0n)).toEqual(data);
  });
});
