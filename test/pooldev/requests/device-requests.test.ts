import { afterEach, describe, expect, it, vi } from 'vitest';
import { DeviceRequests } from '../../../src/pooldev/requests/device-requests.js';
import {
  CHANNEL_ENDS,
  CHANNEL_TABLE_CHANGE,
  CLOSE_ABORT,
  TABLE_CHANGE_MESSAGES,
} from '../../../src/poolioc/abi/constants.js';
import { POOL_IOC_CHANNEL } from '../../../src/poolioc/abi/ioctl.js';
import { PoolError } from '../../../src/base/errors.js';
import { ipFromBytes } from '../../../src/base/ip.js';
import { Errno } from '../../../src/base/errno.js';
import { ERESTARTSYS } from '../../../src/pooldev/requests/device-call.js';
import { type FakeNode, fakeNetwork } from '../fake-node.js';
import { fakeCall, fakeMemory, mapped, program } from '../fake-call.js';

const LOOPBACK = mapped(127, 0, 0, 1);
const PORT = 9253;

function device({
  strictModule = false,
  node = fakeNetwork().node(),
}: {
  strictModule?: boolean;
  node?: FakeNode;
} = {}) {
  const memory = fakeMemory();
  const refused: number[] = [];
  const requests = new DeviceRequests({
    ...{ node, memory, host: '', strictModule },
    memoryRefused: (errno) => refused.push(errno),
  });
  return { ...program(requests, memory), memory, requests, node, refused };
}

/** Dials itself: slot 0 is the dialled end, slot 1 the accepted one, as on the module. */
async function pair(options: { strictModule?: boolean } = {}) {
  const here = device(options);
  expect(await here.listen(PORT).outcome).toBe(0);
  expect(await here.connect(LOOPBACK, PORT).outcome).toBe(0);
  return here;
}

/** Lets every microtask run: an answer that was due is there then. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

afterEach(() => {
  vi.useRealTimers();
});

describe('arguments', () => {
  it.each([
    ['SEND', (d: ReturnType<typeof device>) => d.send(64, 0, 'x')],
    ['RECV', (d: ReturnType<typeof device>) => d.recv(64)],
    ['CHANNEL', (d: ReturnType<typeof device>) => d.channel(64, 0, 1)],
    ['CLOSE_SESS', (d: ReturnType<typeof device>) => d.close(64)],
    ['SEND at 2^32-1', (d: ReturnType<typeof device>) => d.send(0xffffffff, 0, 'x')],
    ['SEND of nothing', (d: ReturnType<typeof device>) => d.sendLength(0, 0)],
    ['SEND of 65536', (d: ReturnType<typeof device>) => d.sendLength(0, 65536)],
    ['RECV of nothing', (d: ReturnType<typeof device>) => d.recv(0, 0, 0)],
    ['RECV of 65536', (d: ReturnType<typeof device>) => d.recv(0, 0, 65536)],
  ])('%s outside its range is EINVAL', async (_name, make) => {
    expect(await make(device()).outcome).toBe(-Errno.EINVAL);
  });

  it('answers for slots not in use as the module does', async () => {
    const here = device();
    expect(await here.send(3, 0, 'x').outcome).toBe(-Errno.ENOTCONN);
    expect(await here.recv(3).outcome).toBe(-Errno.ENOTCONN);
    expect(await here.channel(3, 0, 1).outcome).toBe(-Errno.ENOENT);
    expect(await here.close(3).outcome).toBe(0);
    expect(await here.stop().outcome).toBe(0);
  });

  it('does not know other requests', async () => {
    const call = fakeCall(0x5401, Buffer.alloc(0));
    device().requests.handle(call);
    expect(await call.outcome).toBe(-Errno.ENOTTY);
  });
});

describe('CONNECT', () => {
  it.each([
    ['a link-local address', [0xfe, 0x80, ...new Array<number>(14).fill(1)], PORT, 10, Errno.EINVAL],
    ['the end of fe80::/10', [0xfe, 0xbf, ...new Array<number>(14).fill(1)], PORT, 10, Errno.EINVAL],
    ['an unknown family', LOOPBACK, PORT, 7, Errno.EAFNOSUPPORT],
    ['AF_INET with an IPv6 address', new Array<number>(16).fill(1), PORT, 2, Errno.EAFNOSUPPORT],
    ['port 0', LOOPBACK, 0, 10, Errno.ECONNREFUSED],
    ['nobody there', LOOPBACK, 1, 10, Errno.ECONNREFUSED],
  ])('%s', async (_name, address, port, family, errno) => {
    expect(await device().connect(address, port, family).outcome).toBe(-errno);
  });

  it('dials with AF_INET, which would crash the module', async () => {
    const here = device();
    await here.listen(PORT).outcome;
    expect(await here.connect(LOOPBACK, PORT, 2).outcome).toBeGreaterThanOrEqual(0);
  });

  it('gives ENOSPC when 64 slots are in use, also by sessions that ended', async () => {
    const network = fakeNetwork();
    const far = network.node(1000);
    const here = device({ node: network.node() });
    await far.listen({
      port: PORT,
      session: (session) => session.start({ message: () => true, drain() {}, end() {} }),
    });
    for (let index = 0; index < 64; index++) expect(await here.connect(LOOPBACK, PORT).outcome).toBe(index);
    far.session(7)?.destroy();
    expect(await here.connect(LOOPBACK, PORT).outcome).toBe(-Errno.ENOSPC);
    expect(await here.close(7).outcome).toBe(0);
    expect(await here.connect(LOOPBACK, PORT).outcome).toBe(7);
  });

  describe('of a full table', () => {
    /** A device whose 64 slots hold sessions that `far` ended in the order of their slots, 10 ms apart. */
    async function endedTable(strictModule = false) {
      const network = fakeNetwork();
      const here = device({ node: network.node(), strictModule });
      const far = network.node(1000);
      await far.listen({ port: PORT, session: (one) => one.start({ message: () => true, drain() {}, end() {} }) });
      here.node.reclaim = () => here.requests.reclaimable();
      vi.useFakeTimers();
      for (let index = 0; index < 64; index++) expect(await here.connect(LOOPBACK, PORT).outcome).toBe(index);
      // One has something left to read.
      far.session(0)!.send(0, Buffer.from('unread'));
      for (const session of far.sessions().slice(0, 60)) {
        await session.close();
        vi.advanceTimersByTime(10);
      }
      return { here, far };
    }

    it('the session that ended first gives its slot up, those with something to read last, and none that lives', async () => {
      const { here } = await endedTable();
      vi.advanceTimersByTime(6000);
      for (let index = 1; index < 60; index++) expect(await here.connect(LOOPBACK, PORT).outcome).toBe(index);
      expect(await here.recv(0, 0, 100, 5000).outcome).toBe(0);
      expect(await here.connect(LOOPBACK, PORT).outcome).toBe(0);
      expect(await here.connect(LOOPBACK, PORT).outcome).toBe(-Errno.ENOSPC);
    });

    it('it does so 6 s after its end and not before, whatever it holds, and not while a call waits in it', async () => {
      const { here } = await endedTable();
      vi.advanceTimersByTime(6000 - 60 * 10 - 1);
      expect(await here.connect(LOOPBACK, PORT).outcome).toBe(-Errno.ENOSPC);
      vi.advanceTimersByTime(20);
      expect(await here.connect(LOOPBACK, PORT).outcome).toBe(1);
      expect(await here.connect(LOOPBACK, PORT).outcome).toBe(0);
      vi.advanceTimersByTime(6000);
      for (let index = 2; index < 60; index++) expect(await here.connect(LOOPBACK, PORT).outcome).toBe(index);
    });

    it('a session whose message is being received keeps its slot', async () => {
      const { here } = await endedTable();
      vi.advanceTimersByTime(6000);
      here.memory.held = [];
      const receiving = here.recv(0, 0, 100, 5000);
      for (let index = 1; index < 60; index++) expect(await here.connect(LOOPBACK, PORT).outcome).toBe(index);
      expect(await here.connect(LOOPBACK, PORT).outcome).toBe(-Errno.ENOSPC);
      for (const go of here.memory.held) go();
      expect(await receiving.outcome).toBe(0);
      expect(await here.connect(LOOPBACK, PORT).outcome).toBe(0);
    });

    it('strict: none does, as on the module', async () => {
      const { here } = await endedTable(true);
      vi.advanceTimersByTime(60_000);
      expect(await here.connect(LOOPBACK, PORT).outcome).toBe(-Errno.ENOSPC);
    });
  });

  it.each([
    ['a signal that somebody means', false, { meant: true }],
    ['being killed', false, { meant: false, killed: true }],
    ['any signal, strict', true, { meant: false }],
  ])('gives EINTR at once for %s, and the slot stays free', async (_name, strictModule, signals) => {
    const here = device({ strictModule });
    await here.listen(PORT).outcome;
    let open = (): void => {};
    here.node.dialGate = new Promise((resolve) => (open = resolve));
    const call = here.connect(LOOPBACK, PORT);
    await settled();
    expect(call.answered).toBe(false);
    call.interrupt(signals);
    expect(await call.outcome).toBe(-Errno.EINTR);
    open();
    await settled();
    expect(here.node.sessions()).toHaveLength(0);
  });

  it('goes on through signals that runtimes send for their own sake, until one comes that is meant', async () => {
    const here = device();
    await here.listen(PORT).outcome;
    let open = (): void => {};
    here.node.dialGate = new Promise((resolve) => (open = resolve));
    const [one, other] = [here.connect(LOOPBACK, PORT), here.connect(LOOPBACK, PORT)];
    await settled();
    one.interrupt({ meant: false });
    other.interrupt({ meant: false });
    other.interrupt({ meant: true, age: 50 });
    expect([one.answered, await other.outcome]).toEqual([false, -Errno.EINTR]);
    open();
    expect(await one.outcome).toBeGreaterThanOrEqual(0);
  });
});

describe('LISTEN', () => {
  it('gives EADDRINUSE for another port, and 0 for the same', async () => {
    const here = device();
    expect(await here.listen(PORT).outcome).toBe(0);
    expect(await here.listen(PORT).outcome).toBe(0);
    expect(await here.listen(PORT + 1).outcome).toBe(-Errno.EADDRINUSE);
    expect(await here.stop().outcome).toBe(0);
    expect(await here.listen(PORT + 1).outcome).toBe(0);
  });

  it('strict: gives 0 for another port and opens nothing', async () => {
    const here = device({ strictModule: true });
    await here.listen(PORT).outcome;
    expect(await here.listen(PORT + 1).outcome).toBe(0);
    expect(await here.connect(LOOPBACK, PORT + 1).outcome).toBe(-Errno.ECONNREFUSED);
  });

  it('passes on what the node says, and refuses a port that could not be learned', async () => {
    const network = fakeNetwork();
    const [one, two] = [device({ node: network.node() }), device({ node: network.node() })];
    await one.listen(PORT).outcome;
    expect(await two.listen(PORT).outcome).toBe(-Errno.EADDRINUSE);
    expect(await two.listen(0).outcome).toBe(-Errno.EINVAL);
  });
});

describe('SEND and RECV', () => {
  it('delivers by channel: 0 takes the head, others their own, EAGAIN when only others wait', async () => {
    const here = await pair();
    for (const [channel, text] of [
      [5, 'five'],
      [0, 'zero'],
      [6, 'six'],
      [5, 'again'],
    ] as const) {
      expect(await here.send(0, channel, text).outcome).toBe(0);
    }
    expect(await here.recv(1, 9).outcome).toBe(-Errno.EAGAIN);
    const got: string[] = [];
    for (const channel of [6, 0, 0, 5]) {
      const call = here.recv(1, channel, 1000, 5000);
      expect(await call.outcome).toBe(0);
      const length = Buffer.from(call.output ?? []).readUInt32LE(8);
      got.push(here.memory.bytes.toString('latin1', 5000, 5000 + length));
    }
    expect(got).toEqual(['six', 'five', 'zero', 'again']);
  });

  it('keeps a message that does not fit', async () => {
    const here = await pair();
    await here.send(0, 0, 'twelve bytes').outcome;
    expect(await here.recv(1, 0, 11).outcome).toBe(-Errno.EMSGSIZE);
    expect(await here.recv(1, 0, 12).outcome).toBe(0);
  });

  it('keeps a message whose copy failed, and says EFAULT', async () => {
    const here = await pair();
    await here.send(0, 0, 'kept').outcome;
    expect(await here.recv(1, 0, 100, 1 << 18).outcome).toBe(-Errno.EFAULT);
    expect(await here.recv(1).outcome).toBe(0);
    expect(await here.sendLength(0, 100, 1 << 18).outcome).toBe(-Errno.EFAULT);
    expect(await here.send(0, 0, 'still there').outcome).toBe(0);
  });

  it('strict: loses a message whose copy failed', async () => {
    const here = await pair({ strictModule: true });
    await here.send(0, 0, 'lost').outcome;
    await here.send(0, 0, 'next').outcome;
    expect(await here.recv(1, 0, 100, 1 << 18).outcome).toBe(-Errno.EFAULT);
    expect(await here.recv(1, 0, 100, 5000).outcome).toBe(0);
    expect(here.memory.bytes.toString('latin1', 5000, 5004)).toBe('next');
  });

  it('refuses callers without a pid here with EPERM, and says so', async () => {
    const here = await pair();
    const stranger = program(here.requests, here.memory, 0);
    expect(await stranger.send(0, 0, 'x').outcome).toBe(-Errno.EPERM);
    expect(await stranger.recv(0).outcome).toBe(-Errno.EPERM);
    expect(here.refused).toEqual([Errno.EPERM, Errno.EPERM]);
  });

  it('waits 5 s for a message, then gives ETIMEDOUT', async () => {
    const here = await pair();
    vi.useFakeTimers();
    const call = here.recv(1);
    await vi.advanceTimersByTimeAsync(4999);
    expect(call.answered).toBe(false);
    await vi.advanceTimersByTimeAsync(2);
    expect(await call.outcome).toBe(-Errno.ETIMEDOUT);
  });

  it.each([false, true])('restarts a RECV that waits, and nothing is lost (strict: %s)', async (strictModule) => {
    const here = await pair({ strictModule });
    const call = here.recv(1);
    call.interrupt({ meant: false });
    expect(await call.outcome).toBe(-ERESTARTSYS);
    await here.send(0, 0, 'next').outcome;
    expect(await here.recv(1).outcome).toBe(0);
  });

  it('gives a RECV and a SEND whose copy is under way no signal to see', async () => {
    const here = await pair();
    await here.send(0, 0, 'at hand').outcome;
    here.memory.held = [];
    const calls = [here.recv(1), here.send(0, 0, 'to go')];
    for (const age of [0, 50, 500]) calls[0]?.interrupt({ age });
    calls[1]?.interrupt();
    expect(calls.map((call) => call.answered)).toEqual([false, false]);
    for (const go of here.memory.held.splice(0)) go();
    expect(await Promise.all(calls.map((call) => call.outcome))).toEqual([0, 0]);
  });

  it('never writes for a caller that is killed, and answers a copy that ran with what it did', async () => {
    const here = await pair();
    here.memory.held = [];
    const early = here.recv(1, 0, 100, 5000);
    here.memory.held = null;
    await here.send(0, 0, 'x').outcome;
    expect(await early.outcome).toBe(0);

    await here.send(0, 0, 'secret').outcome;
    here.memory.held = [];
    here.memory.bytes.fill(0xee);
    const call = here.recv(1, 0, 100, 5000);
    call.interrupt({ killed: true });
    expect(await call.outcome).toBe(-ERESTARTSYS);
    for (const go of here.memory.held) go();
    expect(here.memory.bytes.every((byte) => byte === 0xee)).toBe(true);
    here.memory.held = null;
    expect(await here.recv(1).outcome).toBe(0);
  });

  it('gives one message to one of two receivers, the other waits on', async () => {
    const here = await pair();
    const [first, second] = [here.recv(1), here.recv(1, 0, 1000, 2000)];
    await here.send(0, 0, 'one').outcome;
    expect(await first.outcome).toBe(0);
    expect(second.answered).toBe(false);
    await here.send(0, 0, 'two').outcome;
    expect(await second.outcome).toBe(0);
  });

  it('holds SEND back while the peer is not read, bounded, and goes on when it is', async () => {
    const here = await pair();
    const big = new Uint8Array(65000);
    let sent = 0;
    let blocked = here.send(0, 0, big);
    for (; blocked.answered && sent < 100; sent++) blocked = here.send(0, 0, big);
    expect(blocked.answered).toBe(false);
    expect(sent).toBeLessThan(25);
    const [behind, killed] = [here.send(0, 0, big), here.send(0, 0, big)];
    behind.interrupt();
    behind.interrupt({ age: 249 });
    expect(behind.answered).toBe(false);
    behind.interrupt({ age: 250 });
    killed.interrupt({ killed: true });
    expect([await behind.outcome, await killed.outcome]).toEqual([-ERESTARTSYS, -ERESTARTSYS]);
    for (let received = 0; received <= sent; received++) expect(await here.recv(1, 0, 65535, 70000).outcome).toBe(0);
    expect(await blocked.outcome).toBe(0);
  });

  it('answers 0 to a SEND that is interrupted when its message is on the way: it goes out whole', async () => {
    const here = await pair();
    const big = new Uint8Array(65000);
    let last = here.send(0, 0, big);
    let sent = 1;
    for (; last.answered; sent++) last = here.send(0, 0, big);
    last.interrupt({ age: 300 });
    const outcome = await last.outcome;
    const expected = outcome === 0 ? sent : sent - 1;
    expect([0, -ERESTARTSYS]).toContain(outcome);
    for (let received = 0; received < expected; received++) expect(await here.recv(1, 0, 65535).outcome).toBe(0);
    const more = here.recv(1);
    await settled();
    expect(more.answered).toBe(false);
    more.interrupt();
  });
});

describe('the end of a session', () => {
  it('gives what was queued, then ECONNRESET; SEND gives ENOTCONN; the slot stays until CLOSE_SESS', async () => {
    const here = await pair();
    await here.send(0, 0, 'last words').outcome;
    expect(await here.close(0).outcome).toBe(0);
    expect(await here.recv(1).outcome).toBe(0);
    expect(await here.recv(1).outcome).toBe(-Errno.ECONNRESET);
    expect(await here.send(1, 0, 'x').outcome).toBe(-Errno.ENOTCONN);
    await here.sessions().outcome;
    expect(here.memory.bytes.readUInt8(23)).toBe(5);
    expect(await here.close(1).outcome).toBe(0);
    expect(await here.recv(1).outcome).toBe(-Errno.ENOTCONN);
  });

  it('wakes a RECV that waits, on either end', async () => {
    const here = await pair();
    const [near, far] = [here.recv(0), here.recv(1)];
    await here.close(0).outcome;
    expect(await near.outcome).toBe(-Errno.ENOTCONN);
    expect(await far.outcome).toBe(-Errno.ECONNRESET);
  });

  it('tells a lost peer by EPIPE', async () => {
    const here = await pair();
    const call = here.recv(1);
    here.node.session(0)?.destroy();
    expect(await call.outcome).toBe(-Errno.EPIPE);
    expect(await here.send(1, 0, 'x').outcome).toBe(-Errno.EPIPE);
    expect(await here.recv(1).outcome).toBe(-Errno.EPIPE);
  });

  it('is without CLOSE where CLOSE_SESS asks for that', async () => {
    const here = await pair();
    expect(await here.close(CLOSE_ABORT + 0).outcome).toBe(0);
    expect(await here.send(1, 0, 'x').outcome).toBe(-Errno.EPIPE);
    expect(await here.send(0, 0, 'x').outcome).toBe(-Errno.ENOTCONN);
    expect(await here.close(CLOSE_ABORT + 0).outcome).toBe(0);
    expect(await here.close(CLOSE_ABORT + 64).outcome).toBe(-Errno.EINVAL);
  });

  it('strict: is not to be had without CLOSE: the module knows no such index', async () => {
    const here = await pair({ strictModule: true });
    expect(await here.close(CLOSE_ABORT + 0).outcome).toBe(-Errno.EINVAL);
    expect(await here.send(1, 0, 'x').outcome).toBe(0);
  });

  it('strict: the CLOSE of the peer discards what is queued and wakes nobody', async () => {
    const here = await pair({ strictModule: true });
    vi.useFakeTimers();
    const waiting = here.recv(1);
    await here.send(0, 0, 'taken by the one that waits').outcome;
    expect(await waiting.outcome).toBe(0);
    await here.send(0, 0, 'lost').outcome;
    const sleeping = here.recv(0);
    expect(await here.close(0).outcome).toBe(0);
    expect(await here.recv(1).outcome).toBe(-Errno.ECONNRESET);
    expect(sleeping.answered).toBe(false);
    await vi.advanceTimersByTimeAsync(5001);
    expect(sleeping.answered).toBe(true);
  });

  it('strict: a RECV left waiting takes the message of the session that has its slot next', async () => {
    const here = await pair({ strictModule: true });
    const stale = here.recv(0, 0, 1000, 5000);
    await here.close(0).outcome;
    expect(stale.answered).toBe(false);
    expect(await here.close(1).outcome).toBe(0);
    expect(await here.connect(LOOPBACK, PORT).outcome).toBe(0);
    await here.send(1, 0, 'not for you').outcome;
    expect(await stale.outcome).toBe(0);
    expect(here.memory.bytes.toString('latin1', 5000, 5011)).toBe('not for you');
  });

  it('strict: a message over 65511 bytes breaks the session on a slot never used, and only there', async () => {
    const here = await pair({ strictModule: true });
    expect(await here.send(1, 0, new Uint8Array(65511)).outcome).toBe(0);
    expect(await here.send(1, 0, new Uint8Array(65512)).outcome).toBe(0);
    expect(await here.send(1, 0, 'x').outcome).toBe(-Errno.EPIPE);
    await Promise.all([here.close(0).outcome, here.close(1).outcome]);
    await here.connect(LOOPBACK, PORT).outcome;
    expect(await here.send(1, 0, new Uint8Array(65512)).outcome).toBe(0);
    expect(await here.send(1, 0, 'x').outcome).toBe(0);
  });

  it('CLOSE_SESS behind a peer that does not read waits through signals; it goes on where its caller is killed', async () => {
    const network = fakeNetwork();
    const here = device({ node: network.node() });
    const far = network.node();
    await far.listen({
      port: PORT,
      session: (session) => session.start({ message: () => false, drain() {}, end() {} }),
    });
    const index = await here.connect(LOOPBACK, PORT).outcome;
    const session = here.node.session(index);
    Object.assign(session ?? {}, { closeHangs: true });
    const [killed, patient] = [here.close(index), here.close(index)];
    await settled();
    killed.interrupt();
    patient.interrupt({ age: 1000 });
    expect([killed.answered, patient.answered]).toEqual([false, false]);
    killed.interrupt({ killed: true });
    expect(await killed.outcome).toBe(-ERESTARTSYS);
    expect(await here.recv(index).outcome).toBe(-Errno.ENOTCONN);
    expect(here.node.sessions()).toHaveLength(1);
    session?.destroy();
    expect(await patient.outcome).toBe(0);
    expect(here.node.sessions()).toHaveLength(0);
  });

  it('answers everything that waits when the device closes', async () => {
    const here = await pair();
    const calls = [here.recv(0), here.recv(1)];
    here.node.dialGate = new Promise(() => {});
    calls.push(here.connect(LOOPBACK, PORT));
    await settled();
    await here.requests.close();
    for (const call of calls) expect(await call.outcome).toBeLessThan(0);
    expect(here.memory.pinned).toBe(0);
    expect(here.node.sessions()).toHaveLength(0);
  });
});

describe('a device that closes', () => {
  it('answers a RECV whose copy is under way with its outcome, and not before', async () => {
    const here = await pair();
    await here.send(0, 0, 'at hand').outcome;
    here.memory.held = [];
    const call = here.recv(1, 0, 100, 5000);
    await here.requests.close();
    expect(call.answered).toBe(false);
    for (const go of here.memory.held) go();
    expect(await call.outcome).toBe(0);
    expect(here.memory.bytes.toString('latin1', 5000, 5007)).toBe('at hand');
  });

  it('begins nothing more while it waits for peers that do not read', async () => {
    const network = fakeNetwork();
    const [here, far] = [device({ node: network.node() }), device({ node: network.node() })];
    expect(await far.listen(PORT).outcome).toBe(0);
    expect(await here.connect(LOOPBACK, PORT).outcome).toBe(0);
    const session = here.node.session(0);
    Object.assign(session ?? {}, { closeHangs: true });
    const closing = here.requests.close();
    const calls = [here.listen(PORT + 1), here.connect(LOOPBACK, PORT), here.sessions(), here.stop(), here.recv(0)];
    for (const call of calls) expect(await call.outcome).toBe(-Errno.ECONNABORTED);
    session?.destroy();
    await closing;
    expect(here.node.sessions()).toHaveLength(0);
  });
});

describe('SESSIONS', () => {
  it('writes count * 120 bytes, in index order, with the fields where the kernel contract puts them', async () => {
    const here = await pair();
    await here.send(1, 0, 'queued').outcome;
    here.memory.bytes.fill(0xee);
    const call = here.sessions();
    expect(await call.outcome).toBe(0);
    expect(Buffer.from(call.output ?? []).readUInt32LE(0)).toBe(2);
    const { bytes } = here.memory;
    expect(bytes.subarray(240).every((byte) => byte === 0xee)).toBe(true);
    const record = bytes.subarray(0, 120);
    expect([record.readUInt32LE(0), record.readUInt16LE(20), record.readUInt8(22), record.readUInt8(23)]).toEqual([
      0,
      PORT,
      10,
      3,
    ]);
    expect([...record.subarray(4, 20)]).toEqual(LOOPBACK);
    expect([40, 48, 56, 64, 76, 84, 104].map((at) => record.readBigUInt64LE(at))).toEqual([
      1n,
      2n,
      0n,
      1n,
      11n,
      12n,
      17n,
    ]);
    expect([72, 92, 96, 112, 116].map((at) => record.readUInt32LE(at))).toEqual([5, 13, 14, 18, 19]);
    expect([record.readUInt16LE(100), record.readUInt16LE(102)]).toEqual([1400, 1]);
    expect(record.subarray(24, 40).equals(bytes.subarray(144, 160))).toBe(true);
  });

  it('tells an accepted session by port 0 and its peer by the address', async () => {
    const here = await pair();
    await here.sessions().outcome;
    const record = here.memory.bytes.subarray(120, 240);
    expect([...record.subarray(4, 20)]).toEqual(mapped(10, 0, 0, 7));
    expect([record.readUInt16LE(20), record.readUInt8(22)]).toEqual([0, 10]);
  });

  it('strict: an accepted session shows ::, port 0, family 0, or what its slot last dialled', async () => {
    const network = fakeNetwork();
    const here = device({ node: network.node(), strictModule: true });
    const far = network.node();
    await here.listen(PORT).outcome;
    await far.dial({ host: '127.0.0.1', port: PORT });
    await here.sessions().outcome;
    expect(here.memory.bytes.subarray(4, 23).every((byte) => byte === 0)).toBe(true);

    await here.close(0).outcome;
    await far.listen({ port: 77, session: (session) => session.start({ message: () => true, drain() {}, end() {} }) });
    expect(await here.connect(LOOPBACK, 77).outcome).toBe(0);
    await here.close(0).outcome;
    await far.dial({ host: '127.0.0.1', port: PORT });
    await here.sessions().outcome;
    expect([here.memory.bytes.readUInt16LE(20), here.memory.bytes.readUInt8(22)]).toEqual([77, 10]);
  });

  it('writes no more than was asked for, nothing for an empty table, and copies through a bad pointer fail', async () => {
    const here = await pair();
    here.memory.bytes.fill(0xee);
    const call = here.sessions(1);
    expect(await call.outcome).toBe(0);
    expect(Buffer.from(call.output ?? []).readUInt32LE(0)).toBe(1);
    expect(here.memory.bytes.subarray(120).every((byte) => byte === 0xee)).toBe(true);
    expect(await here.sessions(64, 1 << 18).outcome).toBe(-Errno.EFAULT);
    expect(await device().sessions(64, 1 << 18).outcome).toBe(0);
  });
});

describe('CHANNEL', () => {
  it('sets and clears bits, and lists them in 32 bytes with 256 as result', async () => {
    const here = await pair();
    for (const [channel, operation] of [
      [9, 1],
      [255, 1],
      [0, 1],
      [9, 2],
    ] as const) {
      expect(await here.channel(0, channel, operation).outcome).toBe(0);
    }
    here.memory.bytes.fill(0xee);
    const call = here.channel(0, 0, 3);
    expect(await call.outcome).toBe(0);
    expect(Buffer.from(call.output ?? []).readUInt32LE(8)).toBe(256);
    const expected = new Array<number>(32).fill(0);
    expected[0] = 1;
    expected[31] = 0x80;
    expect([...here.memory.bytes.subarray(0, 33)]).toEqual([...expected, 0xee]);
    expect(await here.channel(0, 0, 4).outcome).toBe(-Errno.EINVAL);
  });

  it('tells the ends of a session, but not as the module', async () => {
    const here = await pair();
    here.memory.bytes.fill(0xee);
    expect(await here.channel(1, 0, CHANNEL_ENDS).outcome).toBe(0);
    const { local, remote } = here.node.session(1)!;
    for (const [at, { address, port }] of [local, remote].entries()) {
      expect(ipFromBytes(here.memory.bytes.subarray(18 * at, 18 * at + 16))).toBe(address);
      expect(here.memory.bytes.readUInt16LE(18 * at + 16)).toBe(port);
    }
    expect(here.memory.bytes[36]).toBe(0xee);
    const strict = await pair({ strictModule: true });
    expect(await strict.channel(1, 0, CHANNEL_ENDS).outcome).toBe(-Errno.EINVAL);
  });
});

describe('waiting for a change of the table', () => {
  /** Waits from the change with this number on. */
  const wait = (here: ReturnType<typeof device>, number: bigint, messages = false) => {
    const argument = Buffer.alloc(24);
    argument.writeUInt8(messages ? TABLE_CHANGE_MESSAGES : 0, 4);
    argument.writeUInt8(CHANNEL_TABLE_CHANGE, 5);
    argument.writeBigUInt64LE(number, 16);
    return here.make(POOL_IOC_CHANNEL, argument);
  };
  const told = async (call: ReturnType<typeof wait>) => {
    expect(await call.outcome).toBe(0);
    const output = Buffer.from(call.output!);
    return { number: output.readBigUInt64LE(16), port: output.readUInt32LE(8) };
  };
  /** The number after which nothing has happened. */
  const now = async (here: ReturnType<typeof device>) => (await told(wait(here, 0n))).number;

  type Here = ReturnType<typeof device>;
  it.each<[string, (here: Here) => Promise<unknown>, (here: Here) => unknown]>([
    ['a port is opened', async () => {}, (here) => here.listen(PORT).outcome],
    ['a port is closed', (here) => here.listen(PORT).outcome, (here) => here.stop().outcome],
    [
      'a session is dialled and one accepted',
      (here) => here.listen(PORT).outcome,
      (here) => here.connect(LOOPBACK, PORT).outcome,
    ],
    ['a session is closed', dialled, (here) => here.close(1).outcome],
    ['a session is lost', dialled, (here) => here.node.session(1)!.destroy(new PoolError('EIO', 'lost'))],
  ])('ends when %s', async (_name, before, change) => {
    const here = device();
    await before(here);
    await settled();
    const number = await now(here);
    const call = wait(here, number);
    await settled();
    expect(call.answered).toBe(false);
    await change(here);
    expect((await told(call)).number).toBeGreaterThan(number);
  });

  it('ends when a message comes that no RECV waits for, where messages were asked for', async () => {
    const here = device();
    await dialled(here);
    const number = await now(here);
    const [plain, asking] = [wait(here, number), wait(here, number, true)];
    await here.send(1, 0, 'news').outcome;
    const after = (await told(asking)).number;
    expect(after).toBeGreaterThan(number);
    await settled();
    expect(plain.answered).toBe(false);
    // Who asks later learns of it at once, or never.
    expect((await told(wait(here, number, true))).number).toBe(after);
    expect(wait(here, number).answered).toBe(false);
    await here.close(1).outcome;
    expect((await told(plain)).number).toBeGreaterThan(after);
  });

  it('answers a number that is still to come', async () => {
    const here = device();
    const number = await now(here);
    expect((await told(wait(here, number + 5n))).number).toBe(number);
  });

  it('goes on while RECV takes what comes, and while nothing comes', async () => {
    const here = device();
    await dialled(here);
    const recv = here.recv(0);
    const call = wait(here, await now(here), true);
    await here.send(1, 0, 'taken').outcome;
    expect(await recv.outcome).toBe(0);
    await settled();
    expect(call.answered).toBe(false);
  });

  it('tells the port that listens', async () => {
    const here = device();
    expect((await told(wait(here, 0n))).port).toBe(0);
    await here.listen(PORT).outcome;
    expect((await told(wait(here, 0n))).port).toBe(PORT);
  });

  it('misses nothing that changed between two calls', async () => {
    const here = device();
    const number = await now(here);
    await dialled(here);
    expect((await told(wait(here, number))).number).toBeGreaterThan(number);
  });

  it('is given back to the kernel when a signal comes, and ends with the device', async () => {
    const here = device();
    const number = await now(here);
    const [interrupted, left] = [wait(here, number), wait(here, number)];
    interrupted.interrupt();
    expect(await interrupted.outcome).toBe(-ERESTARTSYS);
    await here.requests.close();
    expect(await left.outcome).toBe(-Errno.ECONNABORTED);
  });

  it('is no request of the module', async () => {
    expect(await wait(await pair({ strictModule: true }), 0n).outcome).toBe(-Errno.EINVAL);
  });

  async function dialled(here: Here): Promise<void> {
    await here.listen(PORT).outcome;
    await here.connect(LOOPBACK, PORT).outcome;
  }
});
