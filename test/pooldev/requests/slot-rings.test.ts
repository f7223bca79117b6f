/** Both ends of a session's rings, a program's and the device's, over system calls in memory. */
import { describe, expect, it } from 'vitest';
import { Errno, errnoName } from '../../../src/base/errno.js';
import { PoolError } from '../../../src/base/errors.js';
import { CHANNEL_RINGS } from '../../../src/poolioc/abi/constants.js';
import { POOL_IOC_CHANNEL } from '../../../src/poolioc/abi/ioctl.js';
import { SEGMENT_BYTES, SEGMENT_LAYOUT } from '../../../src/poolioc/rings/segment.js';
import { ProgramRings } from '../../../src/poolioc/rings/session-rings.js';
import { ProgramMemories } from '../../../src/pooldev/memory/program-memory.js';
import { DeviceRequests } from '../../../src/pooldev/requests/device-requests.js';
import { randomBetween, randomBytes } from '../../random.js';
import { fakeCall, fakeMemory, mapped, program } from '../fake-call.js';
import { fakeNetwork } from '../fake-node.js';
import { FakeRingLibc } from '../fake-rings.js';

const LOOPBACK = mapped(127, 0, 0, 1);
const PORT = 9253;
const OWN_USER = 1000;

interface Attachment {
  session?: number;
  id?: Uint8Array;
  layout?: number;
  memory?: number;
  socket?: number;
  caller?: { pid: number; uid: number };
}

/** A device with a session to itself: slot 0 is the dialled end, slot 1 the accepted one. */
async function world({ strictModule = false, network = fakeNetwork(), port = PORT } = {}) {
  const libc = new FakeRingLibc();
  const node = network.node();
  const memory = fakeMemory();
  const programs = new ProgramMemories({ libc, uid: OWN_USER, processOf: (thread) => thread, readlink: libc.readlink });
  const requests = new DeviceRequests({ node, memory, host: '', strictModule, programs });
  const calls = program(requests, memory);
  expect(await calls.listen(port).outcome).toBe(0);
  expect(await calls.connect(LOOPBACK, port).outcome).toBe(0);
  const idOf = (session: number): Uint8Array => node.session(session)?.id ?? new Uint8Array(16);

  const attach = async ({
    session = 0,
    id,
    layout = SEGMENT_LAYOUT,
    memory: file = -1,
    socket = -1,
    caller,
  }: Attachment): Promise<string> => {
    const argument = Buffer.alloc(24);
    argument.writeUInt32LE(session, 0);
    argument.writeUInt8(layout, 4);
    argument.writeUInt8(CHANNEL_RINGS, 5);
    argument.set((id ?? idOf(session)).subarray(0, 4), 8);
    argument.writeInt32LE(file, 16);
    argument.writeInt32LE(socket, 20);
    const call = { ...fakeCall(POOL_IOC_CHANNEL, argument) };
    Object.assign(call, { caller: caller ?? { pid: 100, uid: OWN_USER } });
    requests.handle(call);
    const outcome = await call.outcome;
    return outcome === 0 ? '' : errnoName(-outcome);
  };

  /** A program that has rings for the session; `open` says whether the device takes them. */
  const rings = async (session: number) => {
    const file = libc.memory(SEGMENT_BYTES);
    const [socket, theirs] = libc.pair();
    expect(await attach({ session, memory: file, socket: theirs })).toBe('');
    const buffer = libc.map(file)!;
    libc.close(file);
    libc.close(theirs);
    const got: { channel: number; data: Buffer }[] = [];
    const told: string[] = [];
    /** Messages that the program takes before it takes no more. */
    const appetite = { left: Infinity };
    const own = new ProgramRings({
      libc,
      memory: buffer,
      socket,
      errorOf: (call, errno) => new PoolError(errnoName(errno), call),
      closed: () => told.push('closed'),
      message: (channel, data) => {
        got.push({ channel, data: Buffer.from(data) });
        appetite.left -= 1;
        return appetite.left > 0;
      },
      room: () => told.push('room'),
      refused: ({ code }) => told.push(`refused ${code}`),
      ended: ({ code }) => told.push(`ended ${code}`),
    });
    own.resume();
    return { own, got, told, appetite, buffer, socket, texts: () => got.map(({ data }) => data.toString()) };
  };
  return { libc, node, requests, calls, attach, rings, idOf };
}

/** Until `check` holds: every wake-up is a turn of the event loop, and there is a bound to how many there are. */
async function until(check: () => boolean): Promise<void> {
  for (let turn = 0; turn < 20_000; turn += 1) {
    if (check()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('it did not come to pass');
}
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** Pushes messages of 60,000 bytes, each filled with its number, until nothing takes them any more: neither peer nor node nor ring. */
async function pushUntilFull(own: ProgramRings): Promise<number> {
  let pushed = 0;
  for (let quiet = 0; quiet < 3; ) {
    if (own.push(pushed % 256, Buffer.alloc(60_000, pushed % 251))) {
      pushed += 1;
      quiet = 0;
      continue;
    }
    quiet += 1;
    await settled();
  }
  return pushed;
}
const numbered = (count: number) => [...Array(count).keys()].map((n) => [n % 256, n % 251, 60_000]);
const numbersOf = (got: readonly { channel: number; data: Buffer }[]) =>
  got.map(({ channel, data }) => [channel, data[0], data.every((byte) => byte === data[0]) ? data.length : -1]);

describe('rings of a session', () => {
  it('carry messages both ways, in order, with their channels, beside a reader that stands still now and then', async () => {
    const { rings } = await world();
    const [dialled, accepted] = [await rings(0), await rings(1)];
    const sent: string[] = [];
    for (let n = 0; n < 300; n += 1) {
      const message = randomBytes(randomBetween(1, randomBetween(0, 4) === 0 ? 65_535 : 500));
      const channel = randomBetween(0, 256);
      if (n % 50 === 25) accepted.appetite.left = randomBetween(1, 10);
      while (!dialled.own.push(channel, message)) {
        dialled.told.length = 0;
        accepted.appetite.left = Infinity;
        accepted.own.resume();
        await until(() => dialled.told.includes('room'));
      }
      sent.push(`${channel} ${message.toString('hex')}`);
    }
    accepted.appetite.left = Infinity;
    accepted.own.resume();
    await until(() => accepted.got.length === sent.length);
    expect(accepted.got.map(({ channel, data }) => `${channel} ${data.toString('hex')}`)).toEqual(sent);
    expect(accepted.own.push(7, Buffer.from('back'))).toBe(true);
    await until(() => dialled.got.length === 1);
    expect(dialled.got).toEqual([{ channel: 7, data: Buffer.from('back') }]);
    expect([...dialled.told.filter((one) => one !== 'room'), ...accepted.told]).toEqual([]);
  });

  it.each<[string, Attachment | ((libc: FakeRingLibc) => Attachment), string]>([
    ['another layout', { layout: SEGMENT_LAYOUT + 1 }, 'EINVAL'],
    ['the id of another session', { id: Buffer.alloc(16, 0xee) }, 'ENOENT'],
    ['a slot that is free', { session: 9 }, 'ENOENT'],
    ['a slot that is none', { session: 64 }, 'EINVAL'],
    ['a program of another user', { caller: { pid: 100, uid: OWN_USER + 1 } }, 'EPERM'],
    ['a program of another pid namespace', { caller: { pid: 0, uid: OWN_USER } }, 'EPERM'],
    ['no descriptors', {}, 'EBADF'],
    ['a descriptor of something else as memory', (libc) => ({ memory: libc.other() }), 'EINVAL'],
    ['a descriptor of something else as socket', (libc) => ({ socket: libc.other() }), 'EINVAL'],
    ['memory whose size may change', (libc) => ({ memory: libc.unsealed(SEGMENT_BYTES) }), 'EINVAL'],
    ['memory that is too small', (libc) => ({ memory: libc.memory(SEGMENT_BYTES - 4096) }), 'EINVAL'],
  ])('are refused for %s, and nothing stays open', async (_, made, code) => {
    const { attach, libc } = await world();
    const attachment = typeof made === 'function' ? made(libc) : made;
    const file = libc.memory(SEGMENT_BYTES);
    const [, theirs] = libc.pair();
    const before = libc.files.size;
    const descriptors = code === 'EBADF' ? {} : { memory: file, socket: theirs };
    expect(await attach({ ...descriptors, ...attachment })).toBe(code);
    expect(libc.files.size).toBe(before);
  });

  it('are for root, too, one program at a time, and for none of a device that imitates the module', async () => {
    const strict = await world({ strictModule: true });
    const file = strict.libc.memory(SEGMENT_BYTES);
    const [, theirs] = strict.libc.pair();
    expect(await strict.attach({ memory: file, socket: theirs })).toBe('EINVAL');

    const { libc, attach } = await world();
    const other = { memory: libc.memory(SEGMENT_BYTES), socket: libc.pair()[1] };
    expect(await attach({ ...other, caller: { pid: 100, uid: 0 } })).toBe('');
    expect(await attach({ memory: libc.memory(SEGMENT_BYTES), socket: libc.pair()[1] })).toBe('EBUSY');
  });

  it('begin with what was queued, and leave RECVs that wait what comes', async () => {
    const { rings, calls } = await world();
    expect(await calls.send(0, 3, 'before').outcome).toBe(0);
    const accepted = await rings(1);
    await until(() => accepted.got.length === 1);
    expect(accepted.got[0]).toEqual({ channel: 3, data: Buffer.from('before') });
    const waiting = calls.recv(1, 0, 1000, 100);
    expect(await calls.send(0, 0, 'for the RECV').outcome).toBe(0);
    expect(await waiting.outcome).toBe(0);
    expect(await calls.send(0, 0, 'for the rings').outcome).toBe(0);
    await until(() => accepted.got.length === 2);
    expect(accepted.texts()[1]).toBe('for the rings');
  });

  it('hold the peer back where the program reads nothing, and lose nothing', async () => {
    const { rings } = await world();
    const [dialled, accepted] = [await rings(0), await rings(1)];
    accepted.appetite.left = 1;
    const pushed = await pushUntilFull(dialled.own);
    // Both rings, the device's queue, and a few on their way.
    expect(pushed).toBeGreaterThan(16);
    expect(pushed).toBeLessThan(60);
    expect(accepted.got).toHaveLength(1);
    accepted.appetite.left = Infinity;
    accepted.own.resume();
    await until(() => accepted.got.length === pushed);
    expect(numbersOf(accepted.got)).toEqual(numbered(pushed));
  });

  it('tell when all is taken, at once where it is', async () => {
    const { rings } = await world();
    const { own, told } = await rings(0);
    own.push(0, Buffer.from('x'));
    expect(own.unsent).toBe(true);
    own.flush();
    await until(() => told.includes('room'));
    expect(own.unsent).toBe(false);
    told.length = 0;
    own.flush();
    await until(() => told.includes('room'));
  });

  it('give what came before the end first: ECONNRESET after a close, EPIPE for a peer that was lost', async () => {
    for (const [end, received, sent] of [
      ['close', 'ECONNRESET', 'ENOTCONN'],
      ['destroy', 'EPIPE', 'EPIPE'],
    ] as const) {
      const { rings, calls, node } = await world();
      const accepted = await rings(1);
      accepted.appetite.left = 1;
      for (const text of ['a', 'b', 'c']) expect(await calls.send(0, 0, text).outcome).toBe(0);
      await until(() => accepted.got.length === 1);
      if (end === 'close') await calls.close(0).outcome;
      else node.session(1)!.destroy(new PoolError('ERR_POOL_PEER_LOST', 'lost'));
      await settled();
      expect(accepted.texts()).toEqual(['a']);
      expect(accepted.told.filter((one) => one.startsWith('ended'))).toEqual([]);
      accepted.appetite.left = Infinity;
      accepted.own.resume();
      await until(() => accepted.told.includes(`ended ${received}`));
      expect(accepted.texts()).toEqual(['a', 'b', 'c']);
      accepted.own.push(0, Buffer.from('too late'));
      await until(() => accepted.told.includes(`refused ${sent}`));
      expect(accepted.own.push(0, Buffer.from('too late'))).toBe(false);
    }
  });

  it('end with the slot: ENOTCONN where another program closes it, ECONNABORTED with the device', async () => {
    const closed = await world();
    const one = await closed.rings(1);
    expect(await closed.calls.close(1).outcome).toBe(0);
    await until(() => one.told.includes('ended ENOTCONN') && one.told.includes('refused ENOTCONN'));

    const gone = await world();
    const two = await gone.rings(1);
    await gone.requests.close();
    await until(() => two.told.includes('ended ECONNABORTED') && two.told.includes('refused ECONNABORTED'));

    const killed = await world();
    const three = await killed.rings(1);
    killed.requests.releaseRings();
    await until(() => three.told.includes('ended ECONNABORTED') && three.told.includes('refused ECONNABORTED'));
  });

  it('CLOSE_SESS comes after what was pushed, however much that is', async () => {
    const { rings, calls } = await world();
    const [dialled, accepted] = [await rings(0), await rings(1)];
    for (let n = 0; n < 500; n += 1) expect(dialled.own.push(0, Buffer.from(String(n)))).toBe(true);
    expect(await calls.close(0).outcome).toBe(0);
    await until(() => accepted.told.includes('ended ECONNRESET'));
    expect(accepted.texts()).toEqual([...Array(500).keys()].map(String));
  });

  it('CLOSE_SESS comes after what was pushed to a peer that stands still, and what is pushed later is refused', async () => {
    const { rings, calls } = await world();
    const [dialled, accepted] = [await rings(0), await rings(1)];
    accepted.appetite.left = 1;
    const pushed = await pushUntilFull(dialled.own);
    const closing = calls.close(0);
    await until(() => dialled.told.includes('refused ENOTCONN'));
    accepted.appetite.left = Infinity;
    accepted.own.resume();
    expect(await closing.outcome).toBe(0);
    await until(() => accepted.told.includes('ended ECONNRESET'));
    expect(numbersOf(accepted.got)).toEqual(numbered(pushed));
  });

  it('CLOSE_SESS comes after what was pushed behind a SEND that waits, which fails', async () => {
    const { rings, calls } = await world();
    const accepted = await rings(1);
    accepted.appetite.left = 1;
    let [sent, blocked] = [0, calls.send(0, 0, Buffer.alloc(60_000, 0))];
    for (; blocked.answered; sent += 1) blocked = calls.send(0, (sent + 1) % 256, Buffer.alloc(60_000, sent + 1));
    // The node has this one; the next one waits for room, and the ring's messages behind it.
    const waiting = calls.send(0, 9, 'never sent');
    const dialled = await rings(0);
    for (const text of ['one', 'two']) expect(dialled.own.push(7, Buffer.from(text))).toBe(true);
    await settled();
    const closing = calls.close(0);
    expect(await waiting.outcome).toBe(-Errno.ENOTCONN);
    accepted.appetite.left = Infinity;
    accepted.own.resume();
    expect(await closing.outcome).toBe(0);
    await until(() => accepted.told.includes('ended ECONNRESET'));
    expect(numbersOf(accepted.got.slice(0, -2))).toEqual(numbered(sent + 1));
    expect(accepted.texts().slice(-2)).toEqual(['one', 'two']);
  });

  it('are emptied before the device closes its sessions', async () => {
    const network = fakeNetwork();
    const [near, far] = [await world({ network }), await world({ network, port: PORT + 1 })];
    expect(await near.calls.connect(LOOPBACK, PORT + 1).outcome).toBe(2);
    const [dialled, accepted] = [await near.rings(2), await far.rings(2)];
    accepted.appetite.left = 1;
    const pushed = await pushUntilFull(dialled.own);
    const closing = near.requests.close();
    await until(() => dialled.told.includes('refused ECONNABORTED'));
    accepted.appetite.left = Infinity;
    accepted.own.resume();
    await closing;
    await until(() => accepted.told.includes('ended ECONNRESET'));
    expect(numbersOf(accepted.got)).toEqual(numbered(pushed));
  });

  it('send what a program had pushed that ended, and then are free for another one', async () => {
    const { rings, calls, libc } = await world();
    const accepted = await rings(1);
    const before = libc.files.size;
    const dialled = await rings(0);
    for (let n = 0; n < 200; n += 1) expect(dialled.own.push(0, Buffer.from(String(n)))).toBe(true);
    dialled.own.close();
    await until(() => accepted.got.length === 200);
    await until(() => libc.files.size === before);
    expect(libc.discarded).toHaveLength(1);
    // Nobody takes them from RECVs any more.
    expect(await calls.send(1, 0, 'for a RECV').outcome).toBe(0);
    expect(await calls.recv(0).outcome).toBe(0);
    const again = await rings(0);
    expect(await calls.send(1, 0, 'for the next').outcome).toBe(0);
    await until(() => again.got.length === 1);
  });

  it('are over at once with their owner, and its descriptors with them', async () => {
    const { rings, calls, libc } = await world();
    const before = libc.files.size;
    const { own, got, told } = await rings(1);
    own.close();
    own.close();
    expect(await calls.send(0, 0, 'nobody is there').outcome).toBe(0);
    await until(() => libc.files.size === before);
    expect([got, told, own.push(0, Buffer.from('x')), own.unsent, own.idle]).toEqual([
      [],
      ['closed'],
      false,
      false,
      true,
    ]);
  });

  it('of a program that writes into them what it likes are taken away, and nobody else notices', async () => {
    for (let round = 0; round < 40; round += 1) {
      const { rings, calls, libc } = await world();
      const hostile = await rings(0);
      const words = new Int32Array(hostile.buffer);
      for (let n = 0; n < 40; n += 1) words[randomBetween(0, words.length)] = randomBytes(4).readInt32LE();
      // Positions, which are looked at first.
      for (const at of [64, 64 + 16, 64 + 32, 64 + 48]) words[at] = randomBytes(4).readInt32LE();
      libc.ring(hostile.socket);
      await settled();
      expect(await calls.send(1, 0, 'to the hostile one').outcome).toBe(0);
      await settled();
      const honest = await rings(1);
      expect(await calls.send(0, 0, 'still here').outcome).toBe(0);
      await until(() => honest.texts().includes('still here'));
    }
  });

  it('of a device that writes into them what it likes end with EPROTO, and hang nothing', async () => {
    for (let round = 0; round < 40; round += 1) {
      const { rings, libc } = await world();
      const { own, told, buffer, socket } = await rings(1);
      const words = new Int32Array(buffer);
      const incoming = words.length - (words.length - 64) / 2;
      words[incoming] = randomBytes(4).readInt32LE() | 1;
      void socket;
      for (const file of libc.files.keys())
        if (libc.readlink(`/${file}`).startsWith('socket') && file !== socket) libc.ring(file);
      await until(() => told.includes('ended EPROTO'));
      expect(own.push(0, Buffer.from('x'))).toBe(false);
    }
  });
});
