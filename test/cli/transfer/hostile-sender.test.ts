/** A sender that breaks the rules, or goes: the receiver says one thing, and nothing appears under a final name. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dataMessage } from '../../../src/cli/transfer/messages.js';
import { QUIET_VIEW } from '../../../src/cli/transfer/progress-view.js';
import type { TransferConversation } from '../../../src/cli/transfer/transfer-conversation.js';
import { Sides } from './sides.js';

let sides: Sides;
beforeEach(() => void (sides = new Sides()));
afterEach(() => sides.remove());

const SHA = createHash('sha256').update('0123456789').digest('hex');
const raw = (text: string): Uint8Array => Buffer.from(text);
const data = (text: string): Uint8Array => {
  const { message, payload } = dataMessage(Buffer.byteLength(text));
  payload.write(text);
  return message;
};
const offer = (fields: object = {}): Uint8Array =>
  raw(JSON.stringify({ type: 'offer', name: 'file', size: 10, mode: 0o644, mtimeNs: '1', ...fields }));

async function greeted(): Promise<TransferConversation> {
  const talk = sides.play('sender');
  await talk.tell({ type: 'hello', protocol: 'pool-file-transfer', version: 1, files: 1 });
  await talk.expect('welcome');
  return talk;
}

async function going(): Promise<TransferConversation> {
  const talk = await greeted();
  await talk.data([offer()]);
  const asked = await talk.expect('show', 'start');
  if (asked.type === 'show') {
    // What an earlier one left is not this one's.
    await talk.tell({ type: 'shown', offset: asked.offset, sha256: createHash('sha256').digest('hex') });
    await talk.expect('start');
  }
  await talk.tell({ type: 'go', offset: 0 });
  return talk;
}

/** What the receiver says, up to its failure: an honest sender closes then. */
async function heard(talk: TransferConversation): Promise<string> {
  const said: string[] = [];
  for (let message = await talk.next(); message !== null; message = await talk.next()) {
    said.push(JSON.stringify(message));
    if (message.type === 'fail') await sides.pair[0].close();
    if (message.type === 'fail') break;
  }
  return said.join('\n');
}

describe('a file that is there', () => {
  it('is told of to nobody who has not shown to have it, and its digest in no case', async () => {
    writeFileSync(join(sides.in, 'file'), '0123456789');
    const received = sides.receive();
    const talk = await greeted();
    await talk.data([offer()]);
    expect(await talk.next()).toEqual({ type: 'show', offset: 10 });
    await talk.tell({ type: 'shown', offset: 10, sha256: createHash('sha256').update('guess').digest('hex') });
    const said = await heard(talk);
    expect(said).toMatch(/"reason":"exists"/);
    expect(said).not.toContain(SHA);
    expect((await received).results[0]?.status).toBe('failed');
  });
});

describe('a name', () => {
  it.each([
    ['/etc/passwd', /another folder/],
    ['../file', /another folder/],
    ['a/../../b', /another folder/],
    ['a/..', /another folder/],
    ['a/./b', /another folder/],
    ['a//b', /another folder/],
    ['a/', /another folder/],
    ['a/b\\..\\c', /another folder/],
    ['a/C:b', /Windows/],
    ['nul/b', /Windows/],
    ['a/b\0c/d', /control/],
    ['.a/b', /any-name/],
    ['a/.b/c', /any-name/],
    ['a/-b', /any-name/],
    [`${'a/'.repeat(32)}b`, /more than 31 folders/],
    [`${'é'.repeat(100)}/`.repeat(6), /longer than 1024 bytes/],
    [`a/${'x'.repeat(240)}/b`, /longer than 239/],
    ['a/.file.pool-part', /unfinished/],
    ['.file.pool-part/a', /unfinished/],
    ['..', /it is a folder/],
    ['.', /it is a folder/],
    ['', /empty/],
    ['a\\b', /another folder/],
    ['\\\\host\\share', /another folder/],
    ['C:file', /Windows/],
    ['nul.txt', /Windows/],
    ['a\0b', /control/],
    ['a\x1b[2Jb', /control/],
    ['gpj.\u202eexe', /control/],
    ['\ud800', /control/],
    ['x'.repeat(240), /longer than 239/],
    ['.file.pool-part', /unfinished/],
    ['.file.pool-part.json', /unfinished/],
  ])('%j is refused', async (name, why) => {
    const received = sides.receive();
    const talk = await greeted();
    await talk.data([offer({ name })]);
    await expect(talk.expect('start')).rejects.toMatchObject({
      reason: 'name',
      message: expect.stringMatching(why) as string,
    });
    sides.pair[0].destroy();
    expect((await received).results[0]?.error).toMatch(why);
    expect(readdirSync(sides.in)).toEqual([]);
  });
});

describe('a sender that breaks the rules', () => {
  const cases: [string, () => Promise<TransferConversation>, Uint8Array[], RegExp][] = [
    [
      'speaks something else',
      () => Promise.resolve(sides.play('sender')),
      [raw('GET / HTTP/1.1')],
      /does not speak pool-file/,
    ],
    [
      'speaks a later version',
      () => Promise.resolve(sides.play('sender')),
      [raw('{"type":"hello","protocol":"pool-file-transfer","version":2,"files":1}')],
      /version 2/,
    ],
    [
      'announces no number of files',
      () => Promise.resolve(sides.play('sender')),
      [raw('{"type":"hello","protocol":"pool-file-transfer","version":1,"files":1e9}')],
      /"files"/,
    ],
    ['sends what is not JSON', greeted, [raw('{"type":')], /not JSON/],
    ['sends what is not UTF-8', greeted, [Buffer.from([0x7b, 0xff, 0x7d])], /not JSON/],
    ['sends a huge message', greeted, [raw(`{"x":"${'x'.repeat(5000)}"}`)], /of 5008 bytes/],
    ['sends an unknown message', greeted, [raw('{"type":"constructor"}')], /unknown type/],
    ['offers a negative size', greeted, [offer({ size: -1 })], /"size"/],
    ['offers a size beyond numbers', greeted, [offer({ size: 2 ** 60 })], /"size"/],
    ['offers an impossible time', greeted, [offer({ mtimeNs: '9'.repeat(22) })], /"mtimeNs"/],
    ['sends data before it may', greeted, [data('x')], /"data" where "offer"/],
    [
      'begins elsewhere',
      async () => {
        const talk = await greeted();
        await talk.data([offer()]);
        await talk.expect('start');
        return talk;
      },
      [raw('{"type":"go","offset":5}')],
      /begins at 5/,
    ],
    ['sends more than it announced', going, [data('0123456789'), data('x')], /more than the 10 bytes/],
    [
      'sends less than it announced',
      going,
      [data('01234'), raw(`{"type":"end","size":10,"sha256":"${SHA}"}`)],
      /ended after 5 bytes/,
    ],
    [
      'ends with another size',
      going,
      [data('0123456789'), raw(`{"type":"end","size":9,"sha256":"${SHA}"}`)],
      /ended after/,
    ],
    [
      'names a wrong digest',
      going,
      [data('0123456780'), raw(`{"type":"end","size":10,"sha256":"${SHA}"}`)],
      /has SHA-256/,
    ],
  ];
  it.each(cases)('%s', async (_, until, messages, why) => {
    const received = sides.receive();
    const talk = await until();
    await talk.data(messages);
    const said = heard(talk);
    const { error } = await received;
    expect(error?.message).toMatch(why);
    expect(error).toMatchObject({ exitCode: /SHA/.test(why.source) ? 65 : 76 });
    expect(await said).toMatch(/"type":"fail"/);
    expect(readdirSync(sides.in)).toEqual([]);
  });

  it('announces more than the disk has', async () => {
    const received = sides.receive();
    const talk = await greeted();
    await talk.data([offer({ size: Number.MAX_SAFE_INTEGER })]);
    await expect(talk.expect('start')).rejects.toMatchObject({ reason: 'disk' });
    sides.pair[0].destroy();
    await received;
    expect(readdirSync(sides.in)).toEqual([]);
  });
});

describe('a sender that goes', () => {
  it.each([
    ['before it says anything', () => Promise.resolve(sides.play('sender')), [], []],
    ['after the greeting', greeted, [], []],
    ['after the offer', greeted, [offer()], []],
    ['in the middle', going, [data('01234')], ['.file.pool-part', '.file.pool-part.json']],
    ['before the end', going, [data('0123456789')], ['.file.pool-part', '.file.pool-part.json']],
  ] as [string, () => Promise<TransferConversation>, Uint8Array[], string[]][])(
    '%s',
    async (_, until, messages, left) => {
      for (const how of ['close', 'destroy'] as const) {
        sides.again();
        const received = sides.receive();
        const talk = await until();
        if (messages.length > 0) await talk.data(messages);
        // What is lost with the session is no matter here: it has to be there before.
        const part = join(sides.in, '.file.pool-part');
        const length = messages.reduce((sum, message) => sum + (message[0] === 0 ? message.length - 1 : 0), 0);
        while (length > 0 && statSync(part).size < length) await new Promise((resolve) => setTimeout(resolve, 1));
        await sides.pair[0][how]();
        const { error } = await received;
        expect(error?.message).toMatch(how === 'close' ? /the sender closed the connection/ : /./);
        expect(existsSync(join(sides.in, 'file'))).toBe(false);
        expect(readdirSync(sides.in)).toEqual(left);
      }
    },
  );

  const notes = (note: (text: string | undefined) => void, moved: (bytes: number) => void): typeof QUIET_VIEW => ({
    ...QUIET_VIEW,
    file: () => ({ note, moved, end: () => undefined }),
  });
  const end = raw(`{"type":"end","size":10,"sha256":"${SHA}"}`);

  it.each(['close', 'destroy'] as const)('after the end, before it was told that all is there: %s', async (how) => {
    const view = notes(
      (text) => text === 'writing to disk' && void sides.pair[0][how](),
      () => undefined,
    );
    const received = sides.receive({ view });
    const talk = await going();
    await talk.data([data('0123456789'), end]);
    const { results, error } = await received;
    expect(results).toMatchObject([{ status: 'received', sha256: SHA }]);
    expect(results[0]?.error).toBeUndefined();
    expect(error).not.toBeNull();
    expect(readdirSync(sides.in)).toEqual(['file']);
  });

  it('before it was told that all was there already', async () => {
    writeFileSync(join(sides.in, 'file'), '0123456789');
    const received = sides.receive({
      view: notes(
        () => undefined,
        () => sides.pair[1].destroy(),
      ),
    });
    const talk = await greeted();
    await talk.data([offer()]);
    await talk.expect('show');
    await talk.tell({ type: 'shown', offset: 10, sha256: SHA });
    await talk.expect('start');
    await talk.tell({ type: 'go', offset: 10 });
    await talk.data([end]);
    const { results, error } = await received;
    expect(results).toMatchObject([{ status: 'identical', sha256: SHA }]);
    expect(error).not.toBeNull();
  });

  it('without a word: it is given up after the time of silence', async () => {
    const received = sides.receive({ idleTimeout: 50 });
    await going();
    expect((await received).error).toMatchObject({ exitCode: 75, message: 'the sender has said nothing for 0.05 s' });
  });
});
