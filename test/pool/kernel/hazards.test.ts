/** Each hazard of the kernel contract's section 4 against the model of the module: a guard that goes missing shows here. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Addr } from '../../../src/pool/address/addr.js';
import { bench, dialled, listening, PEER, Recorder, send, type Bench } from './harness.js';
import { settle } from './manual-clock.js';
import { errno } from './scripted-device.js';

let b: Bench;
beforeEach(() => {
  b = bench();
});
afterEach(() => expect(b.device.faults).toEqual([]));

describe('hazard 1: AF_INET crashes the kernel', () => {
  it('dials IPv4 mapped into IPv6, with family 10', async () => {
    await b.backend.dial(PEER, {});
    expect(b.device.calls).toContain('CONNECT 00000000000000000000ffff0a000001 9253 family 10');
  });

  it('refuses a link-local address before the call', async () => {
    await expect(b.backend.dial(new Addr('fe80::1%eth0', 9253), {})).rejects.toMatchObject({
      code: 'ERR_POOL_INVALID_ADDRESS',
    });
    await expect(b.backend.dial(new Addr('febf::1', 9253), {})).rejects.toMatchObject({
      code: 'ERR_POOL_INVALID_ADDRESS',
    });
    expect(b.device.count('CONNECT')).toBe(0);
  });
});

describe('hazard 2: CLOSE_SESS without the receiver thread crashes the kernel', () => {
  it('closes a session whose thread lives', async () => {
    const { session, seen } = await dialled(b);
    await session.close({ timeout: 1000 });
    expect(b.device.count('CLOSE_SESS 0')).toBe(1);
    expect(seen.ended).toBe('local');
    expect(b.warnings).toEqual([]);
  });

  it('leaves the slot alone when the thread has ended, and says so once', async () => {
    const one = await dialled(b);
    const two = await dialled(b);
    b.device.connectionDies(b.device.session(0)!);
    b.device.connectionDies(b.device.session(1)!);
    await one.session.close({ timeout: 1000 });
    await two.session.close({ timeout: 1000 });
    expect(b.device.count('CLOSE_SESS')).toBe(0);
    expect(b.warnings).toHaveLength(1);
    expect(b.warnings[0]).toMatch(/slot 0 .* stays taken until the machine reboots/);
  });

  it('does not close a session in state CLOSING, even while its thread is still seen', async () => {
    const { session } = await dialled(b);
    b.device.session(0)!.state = 5;
    await session.close({ timeout: 1000 });
    expect(b.device.count('CLOSE_SESS')).toBe(0);
  });

  it('never calls it where kernel threads are invisible, and does not declare the session dead for it', async () => {
    b.device.threadsVisible = false;
    const { session, seen } = await dialled(b);
    await b.clock.advance(3000);
    expect(seen.ends).toEqual([]);
    await session.close({ timeout: 1000 });
    expect(b.device.count('CLOSE_SESS')).toBe(0);
    expect(b.warnings[0]).toMatch(/can't see kernel threads/);
  });

  it('looks again when its worker makes the call, however long that took to start', async () => {
    const { session } = await dialled(b);
    b.device.beforeClose = async () => {
      await Promise.resolve();
      b.device.peerCloses(b.device.session(0)!);
    };
    await session.close({ timeout: 1000 });
    expect(b.device.count('CLOSE_SESS')).toBe(0);
    expect(b.device.session(0)).not.toBeNull();
    expect(b.warnings[0]).toMatch(/its receiver thread has ended/);
  });

  it('does not close the session that has the slot now', async () => {
    const { session } = await dialled(b);
    b.device.otherCloses(b.device.session(0)!);
    b.device.otherDials();
    await session.close({ timeout: 1000 });
    expect(b.device.count('CLOSE_SESS')).toBe(0);
  });

  it('closes what is left open when the process ends, by the same rule', async () => {
    await dialled(b);
    await dialled(b);
    const { session } = await dialled(b);
    b.device.session(2)!.peerReads = false;
    send(session, 'stuck');
    await settle();
    b.device.connectionDies(b.device.session(1)!);
    b.device.exit();
    expect(b.device.calls.filter((call) => call.startsWith('CLOSE_SESS'))).toEqual(['CLOSE_SESS 0']);
  });

  it('leaves alone at the end what is CLOSING, though its thread is still seen, and what has its slot by now', async () => {
    await dialled(b);
    await dialled(b);
    b.device.session(0)!.state = 5;
    b.device.otherCloses(b.device.session(1)!);
    expect(b.device.otherDials().index).toBe(1);
    b.device.exit();
    expect(b.device.count('CLOSE_SESS')).toBe(0);
    expect(b.warnings).toEqual([expect.stringMatching(/^slot 0 .*its receiver thread has ended/)]);
  });
});

describe('hazard 3: a reused slot makes handshakes fail', () => {
  it.each(['EIO', 'EINVAL', 'ECONNRESET', 'EPIPE'])('tries again at once after %s', async (code) => {
    b.device.connects.push(code, code, code);
    const before = b.clock.now();
    await b.backend.dial(PEER, {});
    expect(b.device.count('CONNECT')).toBe(4);
    expect(b.clock.now()).toBe(before);
  });

  it('gives up after eight EINVAL, each of which costs the peer a slot', async () => {
    b.device.connects.push(...Array<string>(30).fill('EINVAL'));
    await expect(b.backend.dial(PEER, {})).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(b.device.count('CONNECT')).toBe(8);
  });

  it('gives up after twenty tries in all, and names the last errno and how many they were', async () => {
    b.device.connects.push(...Array<string>(30).fill('EIO'));
    await expect(b.backend.dial(PEER, {})).rejects.toThrow(/failed 20 times, the last time with EIO/);
    expect(b.device.count('CONNECT')).toBe(20);
  });

  it.each([
    ['ECONNREFUSED', 'ECONNREFUSED'],
    ['ENOSPC', 'ERR_POOL_SESSION_FULL'],
    ['EBADMSG', 'ERR_POOL_AUTH_FAILED'],
    ['EACCES', 'ERR_POOL_AUTH_FAILED'],
    ['EPROTO', 'ERR_POOL_PROTOCOL'],
    ['ETIMEDOUT', 'ERR_POOL_TIMEOUT'],
    ['EINPROGRESS', 'ERR_POOL_TIMEOUT'],
    ['EAGAIN', 'ERR_POOL_TIMEOUT'],
    ['ENETUNREACH', 'ERR_POOL_NET_UNREACHABLE'],
    ['EHOSTUNREACH', 'ERR_POOL_NET_UNREACHABLE'],
  ])('does not try again after %s, which is %s', async (code, expected) => {
    b.device.connects.push(code);
    await expect(b.backend.dial(PEER, {})).rejects.toMatchObject({ code: expected, syscall: 'connect' });
    expect(b.device.count('CONNECT')).toBe(1);
  });

  it('stops trying when the caller gives up', async () => {
    b.device.connects.push('EIO', 'EIO', 'silent');
    const abort = new AbortController();
    const dial = b.backend.dial(PEER, { signal: abort.signal });
    await settle();
    abort.abort(new Error('enough'));
    await expect(dial).rejects.toThrow('enough');
    await settle();
    expect(b.device.count('CONNECT')).toBe(3);
  });
});

describe('hazard 4: a RECV that waits takes the next session’s message', () => {
  it('takes the RECV back before it closes the session', async () => {
    const { session } = await dialled(b);
    expect(b.device.waiting(0)).toBe(1);
    await session.close({ timeout: 1000 });
    expect(b.device.waiting(0)).toBe(0);
  });

  it('keeps one receiver per slot over many sessions in it, and gives each its own messages', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { session, seen } = await dialled(b);
      b.device.peerSends(b.device.session(0)!, 0, `round ${round}`);
      await settle();
      expect(seen.messages).toEqual([`0:round ${round}`]);
      await session.close({ timeout: 1000 });
    }
  });

  it('hands a message to the owner that the slot has by then', async () => {
    const first = await dialled(b);
    // Another program closes it, and the slot is dialled anew while the old RECV still waits.
    b.device.otherCloses(b.device.session(0)!);
    const second = await dialled(b);
    expect(second.session.index).toBe(0);
    b.device.peerSends(b.device.session(0)!, 0, 'for the second');
    await settle();
    expect(first.seen.messages).toEqual([]);
    expect(first.seen.ended).toBe('ERR_POOL_NOT_ESTABLISHED');
    expect(second.seen.messages).toEqual(['0:for the second']);
  });
});

describe('hazard 4, where the device does not answer signals', () => {
  it('gives the message of a RECV that could not be taken back to the session that it was for', async () => {
    b.device.deaf = true;
    const first = await dialled(b);
    await first.session.close({ timeout: 1000 });
    const second = await b.backend.dial(PEER, {});
    const model = b.device.session(0)!;
    // The old RECV takes it, while nobody receives for the new session yet.
    b.device.peerSends(model, 0, 'early');
    await settle();
    const seen = new Recorder();
    second.start(seen);
    await settle();
    b.device.peerSends(model, 0, 'later');
    await settle();
    expect(seen.messages).toEqual(['0:early', '0:later']);
    expect(first.seen.messages).toEqual([]);
  });
});

describe('hazard 5: a dead connection stays ESTABLISHED', () => {
  it('notices within a second that the receiver thread is gone, after what was queued', async () => {
    const { session, seen } = await dialled(b);
    seen.room = false;
    const model = b.device.session(0)!;
    for (const text of ['a', 'b', 'c']) b.device.peerSends(model, 0, text);
    await settle();
    expect(seen.messages).toEqual(['0:a']);
    b.device.connectionDies(model);
    seen.room = true;
    session.resume();
    await b.clock.advance(1000);
    expect(seen.messages).toEqual(['0:a', '0:b', '0:c']);
    expect(seen.ended).toBe('ERR_POOL_PEER_LOST');
  });

  it('keeps what was queued for an owner that takes it only when the end is known', async () => {
    const { session, seen } = await dialled(b);
    seen.room = false;
    const model = b.device.session(0)!;
    for (const text of ['a', 'b', 'c']) b.device.peerSends(model, 0, text);
    b.device.connectionDies(model);
    await b.clock.advance(2000);
    expect([seen.messages, seen.ends]).toEqual([['0:a'], []]);
    const late = send(session, 'into a dead session');
    await settle();
    expect([late.result, b.device.count('SEND')]).toEqual(['ERR_POOL_PEER_LOST', 0]);
    seen.room = true;
    session.resume();
    await b.clock.advance(1000);
    expect(seen.messages).toEqual(['0:a', '0:b', '0:c']);
    expect(seen.ended).toBe('ERR_POOL_PEER_LOST');
  });

  it('keeps it all for one that takes it long after the end, at whatever moment the table is looked at', async () => {
    const { session, seen } = await dialled(b);
    seen.room = false;
    const model = b.device.session(0)!;
    for (let n = 0; n < 100; n += 1) b.device.peerSends(model, 0, `${n}`);
    b.device.connectionDies(model);
    await b.clock.advance(6000);
    seen.room = true;
    session.resume();
    await session.state();
    await b.clock.advance(1000);
    expect([seen.messages.length, seen.ended]).toEqual([100, 'ERR_POOL_PEER_LOST']);
  });

  it('asks for it again where no thread was there to ask in time', async () => {
    const { session, seen } = await dialled(b);
    seen.room = false;
    const model = b.device.session(0)!;
    for (const text of ['a', 'b', 'c']) b.device.peerSends(model, 0, text);
    b.device.connectionDies(model);
    await b.clock.advance(2000);
    const receive = b.device.receiveMessages.bind(b.device);
    let starting = 2;
    b.device.receiveMessages = (...how) => {
      starting -= 1;
      return starting < 0 ? receive(...how) : { done: Promise.resolve('unasked'), stop() {} };
    };
    seen.room = true;
    session.resume();
    await b.clock.advance(1000);
    expect([seen.messages, seen.ended]).toEqual([['0:a', '0:b', '0:c'], 'ERR_POOL_PEER_LOST']);
  });

  it.each(['EPIPE', 'ECONNRESET'] as const)(
    'takes %s of a RECV for no close, while the state is not CLOSING',
    async (code) => {
      b.device.recvBytes = () => Promise.reject(errno(code));
      const { seen } = await dialled(b);
      expect(seen.ended).toBe('ERR_POOL_PEER_LOST');
    },
  );

  it('notices CLOSING within a second, which the waiting RECV learns only after five', async () => {
    const { seen } = await dialled(b);
    b.device.peerCloses(b.device.session(0)!);
    await b.clock.advance(1000);
    expect(seen.ended).toBe('remote');
  });

  it('gives a peer up that sends no heartbeat for 30 s', async () => {
    const { seen } = await dialled(b);
    await b.clock.advance(29_000);
    expect(seen.ends).toEqual([]);
    await b.clock.advance(2000);
    expect(seen.ended).toBe('ERR_POOL_PEER_LOST');
  });

  it('does not while heartbeats come', async () => {
    const { seen } = await dialled(b);
    for (let i = 0; i < 10; i += 1) {
      b.device.heartbeat(b.device.session(0)!);
      await b.clock.advance(5000);
    }
    expect(seen.ends).toEqual([]);
  });

  it('does not blame the peer for a sleep of this machine', async () => {
    const { seen } = await dialled(b);
    await b.clock.advance(1000);
    b.clock.jump(3_600_000);
    await b.clock.advance(1000);
    expect(seen.ends).toEqual([]);
  });

  it.each([
    { device: 'the module, whose heartbeats are counted all the same', module: true, ended: 'ERR_POOL_PEER_LOST' },
    { device: 'a served device, which stops reading then', module: false, ended: undefined },
  ])('while nothing is taken, goes by the silence on $device: $module', async ({ module, ended }) => {
    b = bench({ module });
    const { session, seen } = await dialled(b);
    seen.room = false;
    b.device.peerSends(b.device.session(0)!, 0, 'too much');
    await b.clock.advance(60_000);
    session.resume();
    await b.clock.advance(1000);
    expect(seen.ended).toBe(ended);
  });

  it('waits as long as it is told to', async () => {
    b = bench({ peerTimeout: 0 });
    const { seen } = await dialled(b);
    await b.clock.advance(60_000);
    expect(seen.ends).toEqual([]);
  });
});

describe('hazard 6: messages over 65511 bytes', () => {
  it('are refused, and 65511 are sent', async () => {
    const { session } = await dialled(b);
    expect(session.maxMessageSize).toBe(65511);
    const tooLong = send(session, Buffer.alloc(65512));
    const longest = send(session, Buffer.alloc(65511));
    // SEND takes no message without bytes (section 2).
    const empty = send(session, '');
    await settle();
    const refused = 'ERR_POOL_MESSAGE_TOO_LARGE';
    expect([tooLong, longest, empty].map(({ result }) => result)).toEqual([refused, 'sent', refused]);
    expect(b.device.calls.filter((call) => call.startsWith('SEND'))).toEqual(['SEND 0 0 65511']);
  });
});

describe('hazard 7: two handshakes at a time', () => {
  it('makes one dial after another, and counts the wait', async () => {
    expect(b.backend.parallelDials).toBe(false);
    b.device.connects.push('silent');
    const abort = new AbortController();
    const first = b.backend.dial(PEER, {});
    const second = b.backend.dial(PEER, {});
    const third = b.backend.dial(PEER, { signal: abort.signal });
    await settle();
    expect(b.device.count('CONNECT')).toBe(1);
    abort.abort(new Error('the third gave up while it waited'));
    await expect(third).rejects.toThrow('gave up while it waited');
    await Promise.all([expect(first).rejects.toMatchObject({ code: 'ERR_POOL_TIMEOUT' }), b.clock.advance(10_000)]);
    expect((await second).index).toBe(0);
    expect(b.device.count('CONNECT')).toBe(2);
  });

  it('tries EBADMSG again only where both ends are on this machine', async () => {
    b = bench();
    const { Dialler } = await import('../../../src/pool/kernel/calls/dial-attempts.js');
    const dialler = new Dialler({ device: b.device, discard: () => {}, isLocal: (address) => address === '127.0.0.1' });
    b.device.connects.push('EBADMSG', 'EBADMSG');
    expect(await dialler.dial(new Addr('127.0.0.1', 9253), undefined, async (index) => index)).toBe(0);
    b.device.connects.push('EBADMSG');
    await expect(dialler.dial(PEER, undefined, async (index) => index)).rejects.toMatchObject({
      code: 'ERR_POOL_AUTH_FAILED',
    });
  });
});

describe('hazard 11: an interrupted SEND destroys its session in silence', () => {
  it.each(['EAGAIN', 'EINTR', 'EPIPE', 'EBADMSG'])('never sends again after %s', async (code) => {
    const { session, seen } = await dialled(b);
    b.device.session(0)!.sendErrors.push(code);
    const results = [send(session, 'one'), send(session, 'two')];
    await settle();
    results.push(send(session, 'three'));
    await settle();
    expect(results.map(({ result }) => result)).toEqual(Array(3).fill('ERR_POOL_PEER_LOST'));
    // As long as the receiver thread may still find a regular end.
    await b.clock.advance(1100);
    expect(b.device.count('SEND')).toBe(1);
    expect(seen.ended).toBe('ERR_POOL_PEER_LOST');
  });

  it('ends after it though the peer goes on sending, which a session that can’t answer does not wait for', async () => {
    const { session, seen } = await dialled(b);
    const model = b.device.session(0)!;
    model.sendErrors.push('EAGAIN');
    send(session, 'lost');
    for (let i = 0; i < 200 && seen.ends.length === 0; i += 1) {
      b.device.peerSends(model, 0, 'more');
      await b.clock.advance(40);
    }
    expect(seen.ended).toBe('ERR_POOL_PEER_LOST');
  });

  it.each(['EINVAL', 'EFAULT'])('goes on after %s, which is seen before a byte moves', async (code) => {
    const { session, seen } = await dialled(b);
    b.device.session(0)!.sendErrors.push(code);
    const results = [send(session, 'one'), send(session, 'two')];
    await settle();
    expect(results.map(({ result }) => result)).toEqual([code, 'sent']);
    expect(seen.ends).toEqual([]);
  });

  it('delivers what the peer sent before it closed, though a SEND learned of the close first', async () => {
    b = bench({ module: false });
    const { session, seen } = await dialled(b);
    seen.room = false;
    const model = b.device.session(0)!;
    for (const text of ['a', 'b']) b.device.peerSends(model, 0, text);
    await settle();
    b.device.peerCloses(model);
    const sent = [send(session, 'too late'), send(session, 'later still')];
    await settle();
    expect(sent.map(({ result }) => result)).toEqual(Array(2).fill('ERR_POOL_NOT_ESTABLISHED'));
    expect(b.device.count('SEND')).toBe(1);
    expect(seen.ends).toEqual([]);
    seen.room = true;
    session.resume();
    await b.clock.advance(1000);
    expect(seen.messages).toEqual(['0:a', '0:b']);
    expect(seen.ended).toBe('remote');
  });

  it('makes one SEND at a time, and gives it no signal', async () => {
    const { session } = await dialled(b);
    for (let i = 0; i < 20; i += 1) send(session, `message ${i}`);
    await settle();
    expect(b.device.session(0)!.sent.map(({ data }) => Buffer.from(data).toString())).toEqual(
      Array.from({ length: 20 }, (_, i) => `message ${i}`),
    );
  });
});

describe('hazard 12: SEND and CLOSE_SESS can hang, and nothing ends them', () => {
  it('ends a session that a SEND is in without CLOSE when the process ends, where a served device can', async () => {
    b = bench({ module: false });
    await dialled(b);
    const { session } = await dialled(b);
    b.device.session(1)!.peerReads = false;
    send(session, 'stuck');
    await settle();
    b.device.exit();
    expect(b.device.calls.filter((call) => call.startsWith('CLOSE_SESS'))).toEqual([
      'CLOSE_SESS 0',
      'CLOSE_SESS 1 abort',
    ]);
  });

  it('does not close while a SEND runs, settles in time, and closes when it is over', async () => {
    const { session, seen } = await dialled(b);
    const model = b.device.session(0)!;
    model.peerReads = false;
    const stuck = send(session, 'stuck');
    await settle();
    const closing = session.close({ timeout: 1000 });
    await Promise.all([expect(closing).rejects.toMatchObject({ code: 'ERR_POOL_TIMEOUT' }), b.clock.advance(1000)]);
    await settle();
    expect(stuck.result).toBe('ERR_POOL_TIMEOUT');
    expect(seen.ended).toBe('ERR_POOL_TIMEOUT');
    expect(b.device.count('CLOSE_SESS')).toBe(0);
    expect(b.warnings).toEqual([]);
    await b.clock.advance(1000);
    expect(b.warnings[0]).toMatch(/SEND on it does not return/);
    expect(b.device.count('CLOSE_SESS')).toBe(0);
    b.device.peerReadsAgain(model);
    await settle();
    expect(b.device.count('CLOSE_SESS')).toBe(1);
  });

  it('bounds the wait for CLOSE_SESS, and reports the slot', async () => {
    const { session } = await dialled(b);
    b.device.closeHangs = true;
    const closing = session.close({ timeout: 1000 });
    await Promise.all([expect(closing).rejects.toMatchObject({ code: 'ERR_POOL_TIMEOUT' }), b.clock.advance(1000)]);
    expect(b.warnings[0]).toMatch(/CLOSE_SESS does not return/);
  });
});

describe('hazard 14: the module’s queue has no bound', () => {
  it('drains it into ours, and stops when ours is full', async () => {
    const { session, seen } = await dialled(b);
    const model = b.device.session(0)!;
    for (let i = 0; i < 100; i += 1) b.device.peerSends(model, 0, `${i}`);
    await settle();
    expect(seen.messages).toHaveLength(100);
    seen.room = false;
    for (let i = 0; i < 10; i += 1) b.device.peerSends(model, 0, `${i}`);
    await b.clock.advance(1000);
    expect(seen.messages).toHaveLength(101);
    expect(b.device.waiting(0)).toBe(0);
    seen.room = true;
    session.resume();
    await settle();
    expect(seen.messages).toHaveLength(110);
  });
});

describe('section 2: needless LISTENs', () => {
  it('listens only when /proc/pool/status says idle', async () => {
    b.device.listening = true;
    b.device.port = 9253;
    const { listener } = await listening(b);
    expect(b.device.count('LISTEN')).toBe(0);
    await listener.close();
    // A daemon's listener stays open.
    expect(b.device.count('STOP')).toBe(0);
  });

  it('does not listen where /proc/pool/status can’t be read', async () => {
    b.device.statusVisible = false;
    await expect(listening(b)).rejects.toMatchObject({ code: 'ENOENT', syscall: 'listen' });
    expect(b.device.count('LISTEN')).toBe(0);
  });

  it('takes the port that is open where any will do', async () => {
    b.device.listening = true;
    b.device.port = 9000;
    const { listener } = await listening(b, { port: 0 });
    expect(listener.addr.port).toBe(9000);
    expect(b.device.count('LISTEN')).toBe(0);
  });

  it('leaves a daemon’s listener open when the process ends', async () => {
    b.device.listening = true;
    b.device.port = 9253;
    await listening(b);
    b.device.exit();
    expect(b.device.count('STOP')).toBe(0);
  });

  it.each([
    { when: 'before LISTEN', hooked: 'sessions', calls: 0 },
    { when: 'in LISTEN', hooked: 'listen', calls: 1 },
  ] as const)('leaves no port open of a listen that is given up $when', async ({ hooked, calls }) => {
    const abort = new AbortController();
    const call = b.device[hooked].bind(b.device) as (port: number) => Promise<never>;
    b.device[hooked] = (port?: number) => {
      abort.abort(new Error('never mind'));
      return call(port!);
    };
    await expect(listening(b, { signal: abort.signal })).rejects.toThrow('never mind');
    expect([b.device.count('LISTEN'), b.device.count('STOP')]).toEqual([calls, calls]);
  });

  it('names the port that is open instead of taking the module’s 0 for a yes', async () => {
    b.device.listening = true;
    b.device.port = 9000;
    await expect(listening(b)).rejects.toThrow(/listens on port 9000 already/);
    expect(b.device.count('LISTEN')).toBe(0);
  });
});

describe('section 3: ESTABLISHED is shown before the handshake is done', () => {
  it('hands a session to nobody before its receiver thread runs', async () => {
    const { accepted } = await listening(b);
    const model = b.device.peerDials({ finished: false });
    await b.clock.advance(1000);
    expect(accepted).toEqual([]);
    expect(b.device.count('RECV')).toBe(0);
    b.device.finishHandshake(model);
    await b.clock.advance(50);
    expect(accepted).toHaveLength(1);
  });

  it('does not take the thread that its slot had before for its own', async () => {
    const { accepted } = await listening(b);
    const first = b.device.peerDials();
    await b.clock.advance(50);
    // The slot is given back and taken again between two looks.
    b.device.otherCloses(first);
    const model = b.device.peerDials({ finished: false });
    expect(model.index).toBe(first.index);
    await b.clock.advance(1000);
    expect(accepted).toHaveLength(1);
    b.device.finishHandshake(model);
    await b.clock.advance(50);
    expect(accepted).toHaveLength(2);
  });

  it('goes by packets_recv where threads are invisible', async () => {
    b.device.threadsVisible = false;
    const { accepted } = await listening(b);
    const model = b.device.peerDials({ finished: false });
    await b.clock.advance(1000);
    expect(accepted).toEqual([]);
    b.device.finishHandshake(model);
    await b.clock.advance(50);
    expect(accepted).toHaveLength(1);
  });
});

it('starts delivering only when asked to', async () => {
  const session = await b.backend.dial(PEER, {});
  b.device.peerSends(b.device.session(0)!, 0, 'early');
  await settle();
  expect(b.device.count('RECV')).toBe(0);
  const seen = new Recorder();
  session.start(seen);
  await settle();
  expect(seen.messages).toEqual(['0:early']);
});
