/** Folders: what is sent of them, and that nothing of a sender's, and no link, leads out of the receiver's. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../../src/cli/program.js';
import { filesBelow } from '../../../src/cli/transfer/folder-walk.js';
import { examine, OpenSource, type SourceFile } from '../../../src/cli/transfer/source-file.js';
import type { TransferFailure } from '../../../src/cli/transfer/failure.js';
import { openSubFolder } from '../../../src/cli/transfer/sub-folder.js';
import { seeded } from '../../poolnode/protocol/seeded.js';
import { randomBytes } from '../../random.js';
import { testTerminal } from '../test-terminal.js';
import { Sides, watching } from './sides.js';

let sides: Sides;
beforeEach(() => void (sides = new Sides()));
afterEach(() => sides.remove());

/** Makes files with their folders below the sender's. */
function make(files: Record<string, string | Buffer>): void {
  for (const [name, contents] of Object.entries(files)) {
    mkdirSync(dirname(join(sides.out, name)), { recursive: true });
    writeFileSync(join(sides.out, name), contents);
  }
}

/** Every file below `folder`, with what is in it. */
function tree(folder: string): Record<string, string> {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = found.map((entry) => join(entry.parentPath, entry.name)).sort();
  return Object.fromEntries(paths.map((path) => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]));
}

describe('a folder', () => {
  it('arrives with every file below it, under its own name', async () => {
    const files = { 'album/b': '1', 'album/a/deep/er/file': '2', 'album/a/x': '', single: '3' };
    make(files);
    const [sent, received] = await sides.both(['album', 'single']);
    expect(sent.error ?? received.error).toBeNull();
    expect(tree(sides.in)).toEqual(files);
    const names = ['album/a/deep/er/file', 'album/a/x', 'album/b', 'single'];
    expect(sent.results.map(({ name, status }) => [name, status])).toEqual(names.map((name) => [name, 'sent']));
    expect(received.results.map(({ name, status }) => [name, status])).toEqual(names.map((name) => [name, 'received']));
  });

  it('goes into folders that are there, and takes what is the same for done', async () => {
    make({ 'album/a/same': 'same', 'album/a/other': 'new', 'album/b': 'b' });
    mkdirSync(join(sides.in, 'album/a'), { recursive: true });
    writeFileSync(join(sides.in, 'album/a/same'), 'same');
    writeFileSync(join(sides.in, 'album/a/other'), 'old');
    const [sent] = await sides.both(['album']);
    expect(sent.results.map(({ name, status }) => [name, status])).toEqual([
      ['album/a/other', 'failed'],
      ['album/a/same', 'identical'],
      ['album/b', 'sent'],
    ]);
    await sides.both(['album'], { overwrite: true });
    expect(tree(sides.in)).toEqual(tree(sides.out));
  });

  it('is made as the umask says', async () => {
    make({ 'album/inner/file': 'x' });
    const before = process.umask(0o027);
    try {
      await sides.both(['album']);
    } finally {
      process.umask(before);
    }
    expect(statSync(join(sides.in, 'album')).mode & 0o777).toBe(0o750);
    expect(statSync(join(sides.in, 'album/inner')).mode & 0o777).toBe(0o750);
  });

  it('goes on where it broke off: with the file under way, and past those that are there', async () => {
    const big = randomBytes(9_000_000);
    make({ 'album/a': 'first', 'album/sub/big': big, 'album/z': 'last' });
    const conn = sides.pair[0];
    const view = watching((moved) => moved >= 3_000_000 && conn.destroy());
    await Promise.all([sides.send(['album'], { view }), sides.receive()]);
    expect(readdirSync(join(sides.in, 'album/sub')).sort()).toEqual(['.big.pool-part', '.big.pool-part.json']);
    const there = statSync(join(sides.in, 'album/sub/.big.pool-part')).size;
    expect(there).toBeGreaterThanOrEqual(3_000_000);

    const [sent] = await sides.both(['album']);
    expect(sent.results).toMatchObject([
      { name: 'album/a', status: 'identical' },
      { name: 'album/sub/big', status: 'sent', resumedFrom: there },
      { name: 'album/z', status: 'sent' },
    ]);
    expect(readFileSync(join(sides.in, 'album/sub/big')).equals(big)).toBe(true);
    expect(readdirSync(join(sides.in, 'album/sub'))).toEqual(['big']);
  });

  it.each(['.git', '-rf'])('of the name %s is taken only where receive was told to', async (part) => {
    make({ [`album/${part}/file`]: 'x' });
    const [refused] = await sides.both(['album']);
    expect(refused.results[0]?.error).toContain(`${part} begins with "${part[0]}"`);
    expect(readdirSync(sides.in)).toEqual([]);
    const [sent] = await sides.both(['album'], { anyName: true });
    expect(sent.results[0]?.status).toBe('sent');
  });

  it('is named for what it is, however it was spelt', async () => {
    make({ 'album/file': 'x' });
    await sides.both(['album/../album/']);
    expect(tree(sides.in)).toEqual({ 'album/file': 'x' });
  });

  it.each([
    ['without a file', () => mkdirSync(join(sides.out, 'album/inner'), { recursive: true }), /no regular file in the/],
    ['with a name that nobody takes', () => make({ 'album/nul.txt': '' }), /takes the name album\/nul.txt.*rename/],
    ['that is too deep', () => make({ [`album/${'d/'.repeat(31)}file`]: '' }), /lies in more than 31 folders/],
    ['with a path that is too long', () => make({ [`album/${`${'d'.repeat(200)}/`.repeat(6)}x`]: '' }), /1024 bytes/],
  ])('%s is refused before anything is sent', async (_, arrange, why) => {
    arrange();
    const { error } = await sides.send(['album']);
    expect(error).toMatchObject({ exitCode: 66, message: expect.stringMatching(why) as string });
  });
});

describe('what is below a folder and no regular file', () => {
  it('is left out and told of, links above all', async () => {
    make({ 'album/file': 'x', secret: 'elsewhere' });
    symlinkSync(join(sides.out, 'secret'), join(sides.out, 'album/link'));
    symlinkSync(sides.out, join(sides.out, 'album/loop'));
    mkdirSync(join(sides.out, 'album/none'));
    if (process.platform !== 'win32') spawnSync('mkfifo', [join(sides.out, 'album/pipe')]);
    const told: string[] = [];
    const found: string[] = [];
    const skipped = (path: string, why: string): void => void told.push(`${path.slice(sides.out.length + 1)}: ${why}`);
    for await (const { name } of filesBelow(join(sides.out, 'album'), 'album', skipped)) found.push(name);
    expect(found).toEqual(['album/file']);
    expect(told).toEqual([
      'album/link: it is a symbolic link',
      'album/loop: it is a symbolic link',
      'album/none: the folder is empty',
      'album/pipe: it is a named pipe',
    ]);
  });

  it('is not followed either where it takes the place of a file that was found', async () => {
    make({ secret: 'elsewhere' });
    symlinkSync(join(sides.out, 'secret'), join(sides.out, 'file'));
    const path = join(sides.out, 'file');
    await expect(
      OpenSource.open({ path, name: 'album/file', size: 9, found: { root: sides.out, names: ['file'] } }),
    ).rejects.toMatchObject({
      reason: 'unreadable',
      message: expect.stringMatching(/there is a symbolic link of that name/) as string,
    });
    const named = await OpenSource.open({ path, name: 'file', size: 9 });
    expect(named.offer.size).toBe(9);
    await named.close();
  });
});

/** Whether what was found can be opened, as text. */
async function opened(source: SourceFile): Promise<string> {
  try {
    const file = await OpenSource.open(source);
    await file.close();
    return 'opened';
  } catch (error) {
    const { reason, message } = error as TransferFailure;
    return `${reason}: ${message}`;
  }
}

it('what takes the place of a folder in which a file was found is not gone through', async () => {
  make({ 'album/inner/deep/file': 'x', 'elsewhere/deep/file': 'secret' });
  symlinkSync('album', join(sides.out, 'named'));
  const [source] = await examine([join(sides.out, 'named')]);
  expect(await opened(source!)).toBe('opened');
  const inner = join(sides.out, 'album/inner');
  renameSync(inner, `${inner}.away`);
  expect(await opened(source!)).toMatch(/^unreadable: .*named\/inner\/deep\/file: no such file or folder/);
  expect(existsSync(inner)).toBe(false);
  symlinkSync(join(sides.out, 'elsewhere'), inner);
  expect(await opened(source!)).toMatch(/^unreadable: .*named\/inner\/deep\/file: a link, .* one of its folders/);
});

/** Puts a link in the place of a folder that may be made at any time. */
function plant(target: string, path: string): void {
  for (let there = true; there; ) {
    rmSync(path, { recursive: true, force: true });
    try {
      symlinkSync(target, path);
      there = false;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

describe('a link in the place of a folder', () => {
  it.each(['a link to another folder', 'a link to nowhere', 'a file'])('%s is not gone through', async (what) => {
    make({ 'album/sub/file': 'x' });
    const elsewhere = join(sides.folder, 'elsewhere');
    mkdirSync(elsewhere);
    mkdirSync(join(sides.in, 'album'));
    const planted = join(sides.in, 'album/sub');
    if (what === 'a file') writeFileSync(planted, 'mine');
    else symlinkSync(what.endsWith('nowhere') ? join(elsewhere, 'new') : elsewhere, planted);
    const [sent] = await sides.both(['album'], { overwrite: true });
    expect(sent.results[0]?.error).toMatch(/^album\/sub\/file: the receiver says: .*the name of one of its folders/);
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  it('planted between two files of a session stops those behind it alone', async () => {
    make({ 'album/sub/1': '1', 'album/sub/2': '2', 'album/z': 'z' });
    const elsewhere = join(sides.folder, 'elsewhere');
    mkdirSync(elsewhere);
    const planted = join(sides.in, 'album/sub');
    const report = sides.receive({
      report: ({ name }) => {
        if (name !== 'album/sub/1') return;
        rmSync(planted, { recursive: true });
        symlinkSync(elsewhere, planted);
      },
    });
    const sent = await sides.send(['album']);
    await report;
    expect(sent.results.map(({ name, status }) => [name, status])).toEqual([
      ['album/sub/1', 'sent'],
      ['album/sub/2', 'failed'],
      ['album/z', 'sent'],
    ]);
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  it.skipIf(process.platform !== 'linux')('planted while a file arrives gets nothing of it', async () => {
    make({ 'album/sub/big': randomBytes(6_000_000) });
    const elsewhere = join(sides.folder, 'elsewhere');
    mkdirSync(elsewhere);
    const planted = join(sides.in, 'album/sub');
    const view = watching((moved) => {
      if (moved < 1_000_000 || existsSync(`${planted}.away`)) return;
      renameSync(planted, `${planted}.away`);
      symlinkSync(elsewhere, planted);
    });
    await Promise.all([sides.send(['album']), sides.receive({ view })]);
    expect(readdirSync(elsewhere)).toEqual([]);
    // The folder that was opened is where it goes, whatever it is called.
    expect(readdirSync(`${planted}.away`)).toEqual(['big']);
  });

  it.skipIf(process.platform !== 'linux')('never leads out, whenever it is planted', async () => {
    const random = seeded('links');
    const elsewhere = join(sides.folder, 'elsewhere');
    mkdirSync(elsewhere);
    const planted = join(sides.in, 'a');
    for (let round = 0; round < 200; round++) {
      rmSync(planted, { recursive: true, force: true });
      if (random.int(2) === 1) mkdirSync(planted);
      const opening = openSubFolder(sides.in, ['a', 'b']).catch(() => null);
      for (let turns = random.int(6); turns > 0; turns--) await new Promise(setImmediate);
      plant(elsewhere, planted);
      const folder = await opening;
      if (folder !== null) await writeFile(join(folder.path, 'file'), 'x').catch(() => undefined);
      await folder?.close();
      expect(readdirSync(elsewhere), `round ${round}`).toEqual([]);
      rmSync(planted);
    }
  });
});

describe('on the command line', () => {
  it('send takes a folder, says what it leaves out, and receive makes the folders', async () => {
    make({ 'album/a/file': 'x', 'album/b': 'y' });
    symlinkSync('b', join(sides.out, 'album/link'));
    const receiver = testTerminal();
    const receiving = run(['receive', '--backend', 'user', sides.in, '--listen', '127.0.0.1:0', '--once'], receiver);
    let address: string | undefined;
    while (address === undefined) {
      address = /listening on (\S+),/.exec(receiver.err())?.[1];
      await new Promise(setImmediate);
    }
    const sender = testTerminal();
    const folder = join(sides.out, 'album');
    expect(await run(['send', '--backend', 'user', folder, address], sender), sender.err()).toBe(0);
    expect(await receiving, receiver.err()).toBe(0);
    expect(sender.err()).toContain(`pool-ts send: skipped ${join(folder, 'link')}: it is a symbolic link\n`);
    expect(sender.out()).toMatch(/^sent album\/a\/file: 1 B.*\nsent album\/b: 1 B/);
    expect(receiver.out()).toMatch(/^received album\/a\/file: 1 B.*\nreceived album\/b: 1 B/);
    expect(tree(sides.in)).toEqual({ 'album/a/file': 'x', 'album/b': 'y' });
  });
});
