import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bench, dialled, listening, PEER, Recorder, send, type Bench } from '../harness.js';
import { settle } from '../manual-clock.js';

let b: Bench;
beforeEach(() => {
  b = bench();
});
afterEach(() => expect(b.device.faults).toEqual([]));

describe('what a session is given and what it tells', () => {
  it('sends what a buffer held when it was given, though SENDs before it take their time', async () => {
    const { session } = await dialled(b);
    const first = send(session, 'first');
    const buffer = Buffer.from('second');
    session.send(0, buffer, () => {});
    buffer.fill('x');
    await settle();
    expect(first.result).toBe('sent');
    expect(b.device.session(0)!.sent.map(({ data }) => Buffer.from(data).toString())).toEqual(['first', 'second']);
  });

  it('shows the local end of its connection where the device tells it', async () => {
    const onModule = await dialled(b);
    expect(onModule.session.localAddr.toString()).toBe('[::]:0');
    b = bench({ module: false });
    const { session } = await dialled(b);
    expect(session.localAddr.toString()).toBe(b.device.session(0)!.row!.local);
  });

  it.each([
    { device: 'a device that knows how', module: false, knows: true, calls: ['CLOSE_SESS 0 abort'] },
    { device: 'another served device', module: false, knows: false, calls: ['CLOSE_SESS 0 abort', 'CLOSE_SESS 0'] },
    { device: 'the module', module: true, knows: false, calls: ['CLOSE_SESS 0'] },
  ])('destroys without CLOSE on $device', async ({ module, knows, calls }) => {
    b = bench({ module });
    b.device.aborts = knows;
    const { session } = await dialled(b);
    session.destroy();
    await settle();
    expect(b.device.calls.filter((call) => call.startsWith('CLOSE_SESS'))).toEqual(calls);
    expect(b.device.session(0)).toBe(null);
  });
});

describe('delivery by channel', () => {
  it('tells open channels from all others, whatever order they come in', async () => {
    const session = await b.backend.dial(PEER, {});
    const seen = new Recorder();
    await Promise.all([session.subscribe(5), session.subscribe(7)]);
    session.start(seen);
    const model = b.device.session(0)!;
    for (const channel of [0, 5, 9, 7, 7, 0, 5, 255, 5]) b.device.peerSends(model, channel, `${channel}`);
    await settle();
    await b.clock.advance(10);
    const shown = (channel: number): number => ([5, 7].includes(channel) ? channel : 0);
    expect([...seen.messages].sort()).toEqual([0, 5, 9, 7, 7, 0, 5, 255, 5].map((c) => `${shown(c)}:${c}`).sort());
    // Order holds within a channel.
    expect(seen.messages.filter((text) => text.startsWith('0:'))).toEqual(['0:0', '0:9', '0:0', '0:255']);
  });

  it('takes a waiting RECV 0 back before a channel opens, so that it can’t take its message', async () => {
    const { session, seen } = await dialled(b);
    expect(b.device.waiting(0)).toBe(1);
    await session.subscribe(5);
    b.device.peerSends(b.device.session(0)!, 5, 'for five');
    await settle();
    expect(seen.messages).toEqual(['5:for five']);
    expect(b.device.calls).toContain('SUBSCRIBE 0 5');
  });

  it('goes on telling a channel after it was closed', async () => {
    const { session, seen } = await dialled(b);
    await session.subscribe(5);
    await session.unsubscribe(5);
    b.device.peerSends(b.device.session(0)!, 5, 'late');
    await settle();
    expect(seen.messages).toEqual(['5:late']);
    expect(b.device.calls).toContain('UNSUBSCRIBE 0 5');
  });

  it('counts messages without bytes and delivers none', async () => {
    const { session, seen } = await dialled(b);
    b.device.peerSends(b.device.session(0)!, 0, '');
    b.device.peerSends(b.device.session(0)!, 0, 'after');
    await settle();
    expect(seen.messages).toEqual(['0:after']);
    expect((await session.info()).emptyMessages).toBe(1);
  });

  it('gives each message memory of its own, which later ones leave alone', async () => {
    const kept: Uint8Array[] = [];
    const session = await b.backend.dial(PEER, {});
    session.start({ message: (_, data) => kept.push(data) > 0, drain() {}, end() {} });
    for (const text of ['first', 'other']) b.device.peerSends(b.device.session(0)!, 0, text);
    await settle();
    expect(kept.map((data) => Buffer.from(data).toString())).toEqual(['first', 'other']);
  });

  it('keeps waiting on an idle session', async () => {
    const { seen } = await dialled(b);
    await b.clock.advance(20_000);
    b.device.peerSends(b.device.session(0)!, 0, 'at last');
    await settle();
    expect(seen.messages).toEqual(['0:at last']);
    expect(seen.ends).toEqual([]);
  });
});

describe('many sessions', () => {
  it('receives on 64 with at most 16 RECVs at a time, and soon on each', async () => {
    const { accepted } = await listening(b);
    const models = Array.from({ length: 64 }, () => b.device.peerDials());
    await b.clock.advance(100);
    expect(accepted).toHaveLength(64);
    const waiting = (): number => models.reduce((sum, { index }) => sum + b.device.waiting(index), 0);
    expect(waiting()).toBe(16);
    for (let round = 0; round < 3; round += 1) {
      for (const model of models) b.device.peerSends(model, 0, `round ${round}`);
      let longest = 0;
      for (; accepted.some(({ seen }) => seen.messages.length <= round) && longest < 1000; longest += 5) {
        await b.clock.advance(5);
        expect(waiting()).toBeLessThanOrEqual(16);
      }
      expect(longest).toBeLessThanOrEqual(200);
    }
    for (const { seen } of accepted) expect(seen.messages).toEqual(['0:round 0', '0:round 1', '0:round 2']);
  });

  it('does not let a busy session starve the others', async () => {
    const { accepted } = await listening(b);
    const models = Array.from({ length: 20 }, () => b.device.peerDials());
    await b.clock.advance(100);
    for (let i = 0; i < 500; i += 1) for (const model of models.slice(0, 16)) b.device.peerSends(model, 0, 'x');
    for (const model of models.slice(16)) b.device.peerSends(model, 0, 'patience');
    await b.clock.advance(500);
    for (const { session, seen } of accepted.filter(({ session: { index } }) => index >= 16)) {
      expect([session.index, seen.messages]).toEqual([session.index, ['0:patience']]);
    }
    expect(accepted.every(({ session: { index }, seen }) => index >= 16 || seen.messages.length === 500)).toBe(true);
  });
});

describe('sending', () => {
  it('says when to stop and when to go on', async () => {
    const { session, seen } = await dialled(b);
    const model = b.device.session(0)!;
    model.peerReads = false;
    const chunk = Buffer.alloc(60_000);
    const took = Array.from({ length: 6 }, () => session.send(0, chunk, () => {}));
    expect(took).toEqual([true, true, true, true, false, false]);
    expect(seen.drains).toBe(0);
    b.device.peerReadsAgain(model);
    await settle();
    expect(seen.drains).toBe(1);
    expect(model.sent).toHaveLength(6);
  });

  it('calls nobody back from within the call', async () => {
    const { session } = await dialled(b);
    let inside = true;
    let early = false;
    session.send(0, Buffer.from('x'), () => (early = inside));
    inside = false;
    await settle();
    expect(early).toBe(false);
  });
});

describe('the end', () => {
  it('closes after all that send took', async () => {
    const { session, seen } = await dialled(b);
    const model = b.device.session(0)!;
    const results = Array.from({ length: 10 }, (_, i) => send(session, `${i}`));
    await session.close({ timeout: 1000 });
    expect(results.every(({ result }) => result === 'sent')).toBe(true);
    expect(model.sent).toHaveLength(10);
    expect(seen.ends).toEqual([{ by: 'local' }]);
    await session.close({ timeout: 1000 });
    expect(b.device.count('CLOSE_SESS')).toBe(1);
  });

  it('is told once, and after every message', async () => {
    b = bench({ module: false });
    const { seen } = await dialled(b);
    const model = b.device.session(0)!;
    for (let i = 0; i < 5; i += 1) b.device.peerSends(model, 0, `${i}`);
    b.device.peerCloses(model);
    await b.clock.advance(1000);
    expect(seen.messages).toHaveLength(5);
    expect(seen.ends).toEqual([{ by: 'remote' }]);
    await b.clock.advance(10_000);
    expect(seen.ends).toHaveLength(1);
    // The slot is given back: on a device that can, and has nothing to crash.
    expect(b.device.sessionsInUse).toBe(0);
  });

  it('by destroy fails what waits to be sent', async () => {
    const { session, seen } = await dialled(b);
    const model = b.device.session(0)!;
    model.peerReads = false;
    const results = [send(session, 'inside'), send(session, 'waits')];
    await settle();
    session.destroy();
    await settle();
    expect(results.map(({ result }) => result)).toEqual(['ERR_POOL_CLOSED', 'ERR_POOL_CLOSED']);
    expect(seen.ends).toEqual([{ by: 'local' }]);
    b.device.peerReadsAgain(model);
    await settle();
    expect(b.device.sessionsInUse).toBe(0);
    // What was inside has gone out, but its sender was told already.
    expect(results.map(({ result }) => result)).toEqual(['ERR_POOL_CLOSED', 'ERR_POOL_CLOSED']);
    expect(model.sent).toHaveLength(1);
  });

  it('by the peer fails what waits to be sent, and what comes after, with the peer as the reason', async () => {
    const { session, seen } = await dialled(b);
    const model = b.device.session(0)!;
    model.peerReads = false;
    const waiting = [send(session, 'inside'), send(session, 'waits')];
    await settle();
    b.device.peerCloses(model);
    await b.clock.advance(10_000);
    expect(seen.ends).toEqual([{ by: 'remote' }]);
    const after = send(session, 'after');
    await settle();
    expect([...waiting, after].map(({ result }) => result)).toEqual(Array(3).fill('ERR_POOL_NOT_ESTABLISHED'));
  });

  it('by destroy begins no SEND that was only about to be made', async () => {
    const { session } = await dialled(b);
    const result = send(session, 'too late');
    session.destroy();
    await settle();
    expect([result.result, b.device.count('SEND')]).toEqual(['ERR_POOL_CLOSED', 0]);
  });

  it('is told to a session that was not started yet', async () => {
    const session = await b.backend.dial(PEER, {});
    b.device.otherCloses(b.device.session(0)!);
    await b.clock.advance(1000);
    const seen = new Recorder();
    session.start(seen);
    await settle();
    expect(seen.ended).toBe('ERR_POOL_NOT_ESTABLISHED');
  });

  it('closes a session whose dial is given up while it is looked up in the table', async () => {
    const abort = new AbortController();
    const sessions = b.device.sessions.bind(b.device);
    b.device.sessions = () => {
      // Before CONNECT the table is read as well: whether it is full.
      if (b.device.count('CONNECT') > 0) abort.abort(new Error('never mind'));
      return sessions();
    };
    await expect(b.backend.dial(PEER, { signal: abort.signal })).rejects.toThrow('never mind');
    await settle();
    expect(b.device.count('CLOSE_SESS')).toBe(1);
    expect(b.device.sessionsInUse).toBe(0);
  });

  it('closes a session that arrives after its dial was given up', async () => {
    b.device.connects.push('late');
    const abort = new AbortController();
    const dial = b.backend.dial(PEER, { signal: abort.signal });
    while (b.device.count('CONNECT') === 0) await Promise.resolve();
    abort.abort(new Error('never mind'));
    await expect(dial).rejects.toThrow('never mind');
    await settle();
    expect(b.device.sessionsInUse).toBe(0);
    expect(b.device.count('CLOSE_SESS')).toBe(1);
  });
});

describe('information', () => {
  it('shows the module’s numbers as they are', async () => {
    const { session } = await dialled(b);
    expect(await session.telemetry()).toMatchObject({ rttNs: 1_234_567n, rttUs: 1235, rekeyCount: 0, peer: null });
    expect(await session.info()).toMatchObject({
      index: 0,
      sessionId: session.id,
      state: 'ESTABLISHED',
      packetsSinceRekey: 7,
      packetsRecv: 2n,
      peerAddr: PEER,
    });
    expect(await session.state()).toBe('ESTABLISHED');
    b.device.otherCloses(b.device.session(0)!);
    await expect(session.state()).rejects.toMatchObject({ code: 'ERR_POOL_NOT_ESTABLISHED' });
  });
});
