import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { run } from '../../../src/cli/program.js';
import { dataMessage } from '../../../src/cli/transfer/messages.js';
import { requirement } from '../../require.js';
import { testTerminal } from '../test-terminal.js';
import { Sides, watching } from './sides.js';

const bytes = (size: number, seed = 1): Buffer =>
  Buffer.from(Uint8Array.from({ length: size }, (_, at) => (at * 31 * seed) >> 3));

let sides: Sides;
beforeEach(() => void (sides = new Sides()));
afterEach(() => sides.remove());

/** Sends until `share` of it is there, and then the sender's session is lost. */
async function breakOff(name: string, at: number): Promise<void> {
  sides.again();
  const conn = sides.pair[0];
  const view = watching((moved) => moved >= at && conn.destroy());
  const [, received] = await Promise.all([sides.send([name], { view }), sides.receive()]);
  expect(received.results[0]?.error).toMatch(/are kept to go on from$/);
}

describe('a transfer', () => {
  it('takes several files, with their modes and times, and leaves nothing else', async () => {
    const sizes = { empty: 0, small: 3, 'one message': 65_510, 'two messages': 65_511, big: 9_000_000 };
    for (const [name, size] of Object.entries(sizes)) writeFileSync(join(sides.out, name), bytes(size));
    chmodSync(join(sides.out, 'small'), 0o6751);
    utimesSync(join(sides.out, 'small'), 1, 86_400.5);
    const [sent, received] = await sides.both(Object.keys(sizes));
    expect(sent.error ?? received.error).toBeNull();
    expect(sent.results.map(({ status }) => status)).toEqual(Array(5).fill('sent'));
    expect(received.results.map(({ status }) => status)).toEqual(Array(5).fill('received'));
    expect(received.results.map(({ sha256 }) => sha256)).toEqual(sent.results.map(({ sha256 }) => sha256));
    expect(readdirSync(sides.in).sort()).toEqual(Object.keys(sizes).sort());
    for (const [name, size] of Object.entries(sizes)) {
      expect(readFileSync(join(sides.in, name)).equals(bytes(size))).toBe(true);
    }
    const { mode, mtimeMs } = statSync(join(sides.in, 'small'));
    expect(mode & 0o7777).toBe(0o751 & ~process.umask());
    expect(mtimeMs).toBe(86_400_500);
  });

  it('gives a file from before 1970 its time, and heeds the umask', async () => {
    writeFileSync(join(sides.out, 'old'), 'x', { mode: 0o666 });
    chmodSync(join(sides.out, 'old'), 0o666);
    const time = new Date('1950-06-01T12:00:00.250Z');
    utimesSync(join(sides.out, 'old'), time, time);
    const before = process.umask(0o027);
    try {
      const [sent, received] = await sides.both(['old']);
      expect(sent.error ?? received.error).toBeNull();
    } finally {
      process.umask(before);
    }
    const { mode, mtime } = statSync(join(sides.in, 'old'));
    expect([mode & 0o777, mtime.toISOString()]).toEqual([0o640, '1950-06-01T12:00:00.250Z']);
  });

  it.skipIf(process.platform !== 'linux').each(['/proc/version', '/sys/kernel/mm/transparent_hugepage/enabled'])(
    'sends all that can be read of %s, whatever its size is said to be',
    async (path) => {
      if (!existsSync(path)) return expect(path).toMatch(/^\/sys/);
      const sides = new Sides();
      try {
        const [sent, received] = await Promise.all([sides.sendPaths([path]), sides.receive()]);
        expect(sent.error ?? received.error).toBeNull();
        const name = path.slice(path.lastIndexOf('/') + 1);
        expect(readFileSync(join(sides.in, name), 'utf8')).toBe(readFileSync(path, 'utf8'));
        expect(sent.results[0]?.size).toBeGreaterThan(0);
      } finally {
        sides.remove();
      }
    },
  );

  it.each(['.bashrc', '-rf', '--help'])('takes the name %s only where it was told to', async (name) => {
    writeFileSync(join(sides.out, name), 'x');
    const [refused] = await sides.both([name]);
    expect(refused.results[0]?.error).toMatch(/the name is refused: it begins with .*--any-name/);
    expect(readdirSync(sides.in)).toEqual([]);
    const [sent, received] = await sides.both([name], { anyName: true });
    expect(sent.error ?? received.error).toBeNull();
    expect(readdirSync(sides.in)).toEqual([name]);
  });

  it('takes what is there already for done, and refuses to replace what is something else', async () => {
    for (const name of ['same', 'other', 'longer', 'new']) writeFileSync(join(sides.out, name), bytes(1000));
    writeFileSync(join(sides.in, 'same'), bytes(1000));
    writeFileSync(join(sides.in, 'other'), bytes(1000, 2));
    writeFileSync(join(sides.in, 'longer'), bytes(1001));
    const [sent, received] = await sides.both(['same', 'other', 'longer', 'new']);
    expect(sent.results.map(({ status }) => status)).toEqual(['identical', 'failed', 'failed', 'sent']);
    expect(received.results.map(({ status }) => status)).toEqual(['identical', 'failed', 'failed', 'received']);
    expect(sent.results[1]?.error).toMatch(/^other: the receiver says: .*--overwrite/);
    expect(readFileSync(join(sides.in, 'other'))).toEqual(bytes(1000, 2));

    const [again] = await sides.both(['same', 'other', 'longer'], { overwrite: true });
    expect(again.results.map(({ status }) => status)).toEqual(['identical', 'sent', 'sent']);
    for (const name of ['same', 'other', 'longer']) expect(readFileSync(join(sides.in, name))).toEqual(bytes(1000));
  });

  it('goes on from where it broke off', async () => {
    writeFileSync(join(sides.out, 'big'), bytes(20_000_000));
    await breakOff('big', 5_000_000);
    expect(readdirSync(sides.in).sort()).toEqual(['.big.pool-part', '.big.pool-part.json']);
    const there = statSync(join(sides.in, '.big.pool-part')).size;
    expect(statSync(join(sides.in, '.big.pool-part')).mode & 0o777).toBe(0o600);
    const [sent, received] = await sides.both(['big']);
    expect(sent.results[0]).toMatchObject({ status: 'sent', resumedFrom: there });
    expect(received.results[0]).toMatchObject({ status: 'received', resumedFrom: there });
    expect(readFileSync(join(sides.in, 'big')).equals(bytes(20_000_000))).toBe(true);
    expect(readdirSync(sides.in)).toEqual(['big']);
  });

  it.each([
    ['the source has another time', () => utimesSync(join(sides.out, 'big'), 1, 1)],
    ['the source is longer', () => appendFileSync(join(sides.out, 'big'), 'more')],
    [
      'what is there was damaged',
      () => {
        const part = readFileSync(join(sides.in, '.big.pool-part'));
        part[1000]! ^= 1;
        writeFileSync(join(sides.in, '.big.pool-part'), part);
      },
    ],
    ['what is there is too long', () => truncateSync(join(sides.in, '.big.pool-part'), 30_000_000)],
    ['the record is damaged', () => writeFileSync(join(sides.in, '.big.pool-part.json'), '{"size":')],
    ['the record is missing', () => rmSync(join(sides.in, '.big.pool-part.json'))],
  ])('begins anew where %s', async (_, change) => {
    writeFileSync(join(sides.out, 'big'), bytes(20_000_000));
    await breakOff('big', 5_000_000);
    change();
    const [sent] = await sides.both(['big']);
    expect(sent.results[0]).toMatchObject({ status: 'sent', resumedFrom: 0 });
    expect(readFileSync(join(sides.in, 'big')).equals(readFileSync(join(sides.out, 'big')))).toBe(true);
    expect(readdirSync(sides.in)).toEqual(['big']);
  });

  it.each(['big', '.big.pool-part', '.big.pool-part.json'])('writes through no link of the name %s', async (name) => {
    const victim = join(sides.folder, 'victim');
    writeFileSync(victim, 'precious');
    writeFileSync(join(sides.out, 'big'), bytes(1000));
    symlinkSync(victim, join(sides.in, name));
    const [sent] = await sides.both(['big'], { overwrite: true });
    expect(sent.results[0]?.error).toMatch(/^big: the receiver says: .*link/);
    expect(readFileSync(victim, 'utf8')).toBe('precious');
    expect(lstatSync(join(sides.in, name)).isSymbolicLink()).toBe(true);
  });

  it('puts nothing in the place of a folder', async () => {
    writeFileSync(join(sides.out, 'big'), bytes(1000));
    mkdirSync(join(sides.in, 'big'));
    const [sent] = await sides.both(['big'], { overwrite: true });
    expect(sent.results[0]?.error).toMatch(/folder/);
  });

  it('tells of a file that changes while it is sent, keeps nothing of it, and sends the others', async () => {
    writeFileSync(join(sides.out, 'log'), bytes(9_000_000));
    writeFileSync(join(sides.out, 'next'), bytes(10));
    let touched = false;
    const view = watching((moved) => {
      if (moved < 1_000_000 || touched) return;
      touched = true;
      appendFileSync(join(sides.out, 'log'), 'a line');
    });
    const [sent, received] = await Promise.all([sides.send(['log', 'next'], { view }), sides.receive()]);
    expect(sent.results.map(({ status }) => status)).toEqual(['failed', 'sent']);
    expect(sent.results[0]?.error).toMatch(/changed while it was sent/);
    expect(received.results[0]?.error).toMatch(/^log: the sender says: .*changed/);
    expect(readdirSync(sides.in)).toEqual(['next']);
  });

  it.each(['sender', 'receiver'] as const)('is kept to go on from when the %s is stopped', async (who) => {
    writeFileSync(join(sides.out, 'big'), bytes(20_000_000));
    const stop = who === 'sender' ? sides.stopSender : sides.stopReceiver;
    const view = watching((moved) => moved >= 3_000_000 && stop.abort());
    const [sent, received] = await Promise.all([sides.send(['big'], { view }), sides.receive()]);
    expect(sent.results[0]?.error).toMatch(/stopped; the receiver has .* the same command goes on from there$/);
    expect(received.results[0]?.error).toMatch(/stopped; .* are kept to go on from$/);
    expect(existsSync(join(sides.in, 'big'))).toBe(false);
    expect(statSync(join(sides.in, '.big.pool-part')).size).toBeGreaterThanOrEqual(3_000_000);
  });

  it('says so when it is stopped before the receiver has answered', async () => {
    writeFileSync(join(sides.out, 'big'), bytes(10));
    const sent = sides.send(['big']);
    await sides.play('receiver').expect('hello');
    sides.stopSender.abort();
    expect((await sent).results[0]?.error).toBe('big: stopped');
  });

  it('of one name from two senders at a time: one is asked to wait', async () => {
    writeFileSync(join(sides.out, 'big'), bytes(20_000_000));
    const other = new Sides(sides.in);
    writeFileSync(join(other.out, 'big'), bytes(100));
    const second: Promise<unknown>[] = [];
    const view = watching(() => {
      if (second.length === 0) second.push(other.send(['big']), other.receive());
    });
    const [first] = await Promise.all([sides.send(['big']), sides.receive({ view })]);
    expect(first.results[0]?.status).toBe('sent');
    expect(JSON.stringify(await Promise.all(second))).toMatch(/another transfer writes a file of this name/);
    other.remove();
  });

  it.each([
    ['taken over', { idleTimeout: 3000, waitEvery: 250 }, /fell silent, and another one took over/],
    // For a sixth of that time a sender at work may be silent.
    ['left to its time', { idleTimeout: 2000, waitEvery: 10_000 }, /the sender has said nothing for 2 s/],
  ])('of a sender that fell silent without an end is %s', async (_, times, why) => {
    writeFileSync(join(sides.out, 'big'), bytes(100_000));
    const silent = sides.receive(times);
    const talk = sides.play('sender');
    await talk.tell({ type: 'hello', protocol: 'pool-file-transfer', version: 1, files: 1 });
    await talk.expect('welcome');
    const mtimeNs = String(statSync(join(sides.out, 'big'), { bigint: true }).mtimeNs);
    await talk.tell({ type: 'offer', name: 'big', size: 100_000, mode: 0o644, mtimeNs });
    await talk.expect('start');
    await talk.tell({ type: 'go', offset: 0 });
    const { message, payload } = dataMessage(50_000);
    payload.set(bytes(50_000));
    await talk.data([message]);
    while (statSync(join(sides.in, '.big.pool-part')).size < 50_000)
      await new Promise((resolve) => setTimeout(resolve, 1));

    const [sent] = await sides.both(['big'], times);
    expect(sent.results[0]).toMatchObject({ status: 'sent', resumedFrom: 50_000 });
    const { error } = (await silent).results[0]!;
    expect(error).toMatch(why);
    expect(error).toMatch(/; 50\.0 kB of 100 kB are kept/);
    expect(readFileSync(join(sides.in, 'big')).equals(bytes(100_000))).toBe(true);
  });
});

const tmpfs = requirement('tmpfs', () => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return 'mounting a small file system needs root on Linux';
  const folder = mkdtempSync(join(tmpdir(), 'pool-tmpfs-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' });
  if (status === 0) spawnSync('umount', [folder]);
  rmSync(folder, { recursive: true });
  return status === 0 ? null : 'mount is not allowed here';
});

describe.skipIf(tmpfs.missing)('on a disk that fills up', () => {
  let disk: string;
  let small: Sides;
  beforeEach(() => {
    disk = mkdtempSync(join(tmpdir(), 'pool-disk-'));
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk]);
    small = new Sides(disk);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    spawnSync('umount', [disk]);
    rmSync(disk, { recursive: true });
    small.remove();
  });

  it('a file that is too large is refused before anything is written', async () => {
    writeFileSync(join(small.out, 'big'), bytes(9_000_000));
    const [sent, received] = await small.both(['big']);
    expect(sent.results[0]?.error).toMatch(/^big: the receiver says: no space left on the device: it takes 9\.00 MB/);
    expect(received.results[0]?.error).toMatch(/no space left/);
    expect(readdirSync(disk)).toEqual([]);
  });

  it.each([
    ['that is full', () => disk, 74, /^pool-ts send: stdin: no room in \S+ for what is read \(ENOSPC\); TMPDIR names/],
    ['that is not there', () => join(disk, 'none'), 73, /^pool-ts send: stdin: no file .* \(ENOENT\); TMPDIR names/],
  ])('a pipe is told of the folder of its copy %s, and other files go on', async (_, folder, code, why) => {
    const file = join(small.out, 'file');
    writeFileSync(file, bytes(10));
    const [sender, receiver] = [testTerminal(), testTerminal()];
    const receiving = run(['receive', '--backend', 'user', small.folder, '--listen', '127.0.0.1:0'], receiver);
    let address: string | undefined;
    while ((address = /listening on (\S+),/.exec(receiver.err())?.[1]) === undefined)
      await new Promise((resolve) => setTimeout(resolve, 1));
    sender.stdin.end(bytes(9_000_000));
    vi.stubEnv('TMPDIR', folder());
    expect(await run(['send', '--backend', 'user', '-', file, address], sender)).toBe(code);
    expect(sender.err()).toMatch(why);
    expect(readFileSync(join(small.folder, 'file')).equals(bytes(10))).toBe(true);
    receiver.interrupt();
    await receiving;
  });

  it('a transfer under way stops with one line on both sides, and goes on when there is room', async () => {
    writeFileSync(join(small.out, 'big'), bytes(6_000_000));
    const filler = join(disk, 'filler');
    const view = watching((moved) => {
      if (moved > 0 && !existsSync(filler))
        spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64k'], { stdio: 'ignore' });
    });
    const [sent, received] = await Promise.all([small.send(['big']), small.receive({ view })]);
    expect(sent.error).toMatchObject({ exitCode: 74 });
    expect(sent.results[0]?.error).toMatch(
      /^big: the receiver says: it can not be stored: no space left on the device/,
    );
    expect(received.error).toMatchObject({ exitCode: 74 });
    expect(readdirSync(disk).sort()).toEqual(['.big.pool-part', '.big.pool-part.json', 'filler']);
    rmSync(filler);
    const [again] = await small.both(['big']);
    expect(again.results[0]?.status).toBe('sent');
    expect(again.results[0]?.resumedFrom).toBeGreaterThan(0);
    expect(readFileSync(join(disk, 'big')).equals(bytes(6_000_000))).toBe(true);
  });
});
