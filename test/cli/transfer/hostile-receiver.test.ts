/** A receiver that lies, stops or goes: the sender never takes for done what was not confirmed. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ControlMessage, WINDOW_BYTES } from '../../../src/cli/transfer/messages.js';
import type { TransferConversation } from '../../../src/cli/transfer/transfer-conversation.js';
import { type Ended, Sides } from './sides.js';

const CONTENT = '0123456789';
const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
const start = (fields: object = {}): ControlMessage<'start'> => ({
  type: 'start',
  offset: 0,
  sha256: digest(''),
  complete: false,
  ...fields,
});

let sides: Sides;
beforeEach(() => {
  sides = new Sides();
  writeFileSync(join(sides.out, 'file'), CONTENT);
});
afterEach(() => sides.remove());

/** Plays the receiver up to the offer. */
async function offered(window = WINDOW_BYTES): Promise<TransferConversation> {
  const talk = sides.play('receiver');
  await talk.expect('hello');
  await talk.tell({ type: 'welcome', version: 1, window });
  await talk.expect('offer');
  return talk;
}

/** Takes the file's data, up to the sender's `end`. */
async function ended(talk: TransferConversation): Promise<void> {
  for (;;) {
    const message = await talk.next();
    if (message === null) throw new Error('the sender closed');
    if (message.type === 'end') return;
  }
}

async function against(script: (talk: TransferConversation) => Promise<void>): Promise<Ended> {
  const sent = sides.send(['file'], { idleTimeout: 2000 });
  const talk = await offered();
  await script(talk);
  // An honest receiver closes when it is told of a failure.
  const next = async () => talk.next().catch(() => null);
  for (let message = await next(); message !== null; message = await next()) {
    if (message.type === 'fail') await sides.pair[1].close();
  }
  return sent;
}

describe('a receiver that lies', () => {
  it.each([
    ['about how much it has', [start({ offset: 11, sha256: digest('x') })], /has 11 bytes of 10/, 76],
    ['about being complete', [start({ offset: 5, sha256: digest('01234'), complete: true })], /has 5 bytes of 10/, 76],
    ['about nothing', [start({ sha256: digest('x') })], /wrong digest of nothing/, 76],
    [
      'about beginning anew',
      [start({ offset: 5, sha256: digest('x') }), start({ offset: 5, sha256: digest('x') })],
      /does not begin anew/,
      76,
    ],
    ['about what arrived', [start(), { type: 'ack', received: 11 }], /confirms 11 bytes where/, 76],
    ['about what it stored', [start(), { type: 'done', size: 10, sha256: digest('x') }], /has stored other bytes/, 65],
    [
      'about how much it stored',
      [start(), { type: 'done', size: 9, sha256: digest(CONTENT) }],
      /has stored other bytes/,
      65,
    ],
  ] as [string, ControlMessage[], RegExp, number][])('%s', async (_, answers, why, exitCode) => {
    const { error, results } = await against(async (talk) => {
      for (const answer of answers) {
        if (answer.type === 'done') await ended(talk);
        await talk.tell(answer);
      }
    });
    expect(error).toMatchObject({ exitCode, message: expect.stringMatching(why) as string });
    expect(results).toMatchObject([{ status: 'failed', error: expect.stringMatching(why) as string }]);
  });

  it('is not believed to be done before the end', async () => {
    writeFileSync(join(sides.out, 'file'), Buffer.alloc(WINDOW_BYTES * 2));
    const { error } = await against((talk) =>
      talk.tell(start()).then(() => talk.tell({ type: 'done', size: 10, sha256: digest('') })),
    );
    expect(error).toMatchObject({ exitCode: 76, message: 'the receiver sent "done" where "ack" was expected' });
  });
});

describe('a receiver that goes after the last byte', () => {
  it.each(['close', 'destroy', 'silence'] as const)(
    'by %s leaves the sender to say that it does not know',
    async (how) => {
      const { error, results } = await against(async (talk) => {
        await talk.tell(start());
        await ended(talk);
        if (how !== 'silence') await sides.pair[1][how]();
      });
      expect(error).not.toBeNull();
      expect(results).toMatchObject([
        { status: 'unknown', error: expect.stringMatching(/^file: all 10 B were sent, and it is not known/) as string },
      ]);
    },
  );

  it('with a failure is believed to have failed', async () => {
    const { error, results } = await against(async (talk) => {
      await talk.tell(start());
      await ended(talk);
      await talk.tell({ type: 'fail', reason: 'disk', message: 'no space\x1b[2J left' });
    });
    expect(error).toMatchObject({ exitCode: 74 });
    expect(results).toMatchObject([{ status: 'failed', error: 'file: the receiver says: no space?[2J left' }]);
  });

  it('with the confirmation is believed', async () => {
    const { error, results } = await against(async (talk) => {
      await talk.tell(start());
      await ended(talk);
      await talk.tell({ type: 'wait' });
      await talk.tell({ type: 'done', size: 10, sha256: digest(CONTENT) });
    });
    expect(error).toBeNull();
    expect(results).toMatchObject([{ status: 'sent', sha256: digest(CONTENT) }]);
  });
});

it.each([WINDOW_BYTES, 2 ** 31, 65_536])('no more than 4 MiB are unconfirmed, with a window of %d', async (window) => {
  const bound = Math.min(window, WINDOW_BYTES);
  writeFileSync(join(sides.out, 'file'), Buffer.alloc(WINDOW_BYTES * 2));
  const sent = sides.send(['file'], { idleTimeout: 500 });
  const talk = await offered(window);
  await talk.tell(start());
  await talk.expect('go');
  let got = 0;
  for (let message = await talk.next(); message !== null; message = await talk.next()) {
    if (message.type === 'data') got += message.bytes.length;
  }
  expect(got).toBeLessThanOrEqual(bound);
  expect(got).toBeGreaterThan(bound - 65_536);
  expect((await sent).error).toMatchObject({ exitCode: 75, message: 'the receiver has said nothing for 0.5 s' });
});
