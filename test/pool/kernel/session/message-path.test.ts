/** Sessions whose messages travel through rings, and those for which that is not known yet. */
import { beforeEach, describe, expect, it } from 'vitest';
import { PoolError } from '../../../../src/base/errors.js';
import type { RingsOptions, SessionRings } from '../../../../src/poolioc/types.js';
import { bench, type Bench, PEER, Recorder, send } from '../harness.js';
import { settle } from '../manual-clock.js';
import { errno } from '../scripted-device.js';

/** Rings as the device sees them. */
class ScriptedRings implements SessionRings {
  readonly options: RingsOptions;
  readonly pushed: string[] = [];
  /** Messages that it has room for. */
  room = Infinity;
  unsent = false;
  flushes = 0;
  resumed = 0;
  closed = false;
  refused = false;
  /** Messages that wait for the program. */
  readonly #queue: [channel: number, text: string][] = [];
  #end: PoolError | null = null;
  #wanted = false;

  constructor(options: RingsOptions) {
    this.options = options;
  }

  push(channel: number, data: Uint8Array): boolean {
    if (this.room === 0 || this.refused) return false;
    this.room -= 1;
    this.pushed.push(`${channel}:${Buffer.from(data).toString()}`);
    return true;
  }

  flush(): void {
    this.flushes += 1;
  }

  resume(): void {
    this.resumed += 1;
    this.#wanted = true;
    this.#deliver();
  }

  get idle(): boolean {
    return this.#queue.length === 0;
  }

  close(): void {
    this.closed = true;
  }

  /** Something comes for the session. */
  comes(channel: number, text: string): void {
    this.#queue.push([channel, text]);
    this.#deliver();
  }

  ends(error: PoolError): void {
    this.#end = error;
    this.#deliver();
  }

  refuses(error: PoolError): void {
    this.refused = true;
    this.options.refused(error);
  }

  #deliver(): void {
    while (this.#wanted && this.#queue.length > 0) {
      const [channel, text] = this.#queue.shift()!;
      this.#wanted = this.options.message(channel, Buffer.from(text));
    }
    if (this.#wanted && this.#end !== null) this.options.ended(this.#end);
  }
}

let b: Bench;
let rings: ScriptedRings;
/** Lets the device answer, with rings or without. */
let answer: (with_: 'rings' | 'none' | PoolError) => Promise<void>;

beforeEach(() => {
  b = bench({ module: false });
  b.device.sessionRings = (index, id, options) => {
    expect([index, Buffer.from(id).toString('hex')]).toEqual([0, b.device.session(0)!.id]);
    return new Promise((resolve, reject) => {
      answer = async (what) => {
        rings = new ScriptedRings(options);
        if (what instanceof PoolError) reject(what);
        else resolve(what === 'rings' ? rings : null);
        await settle();
      };
    });
  };
});

async function started() {
  const session = await b.backend.dial(PEER, {});
  const seen = new Recorder();
  session.start(seen);
  await settle();
  return { session, seen };
}

async function withRings() {
  const { session, seen } = await started();
  await answer('rings');
  return { session, seen };
}

describe('messages through rings', () => {
  it('come on the channels that are open, and on channel 0 from all others', async () => {
    const { session, seen } = await withRings();
    await session.subscribe(5);
    for (const channel of [0, 5, 9, 5]) rings.comes(channel, `to ${channel}`);
    expect(seen.messages).toEqual(['0:to 0', '5:to 5', '0:to 9', '5:to 5']);
    expect(b.device.waiting(0)).toBe(0);
  });

  it('wait for an owner who has no room, and come when there is some', async () => {
    const { session, seen } = await withRings();
    seen.room = false;
    for (const text of ['a', 'b', 'c']) rings.comes(0, text);
    expect(seen.messages).toEqual(['0:a']);
    seen.room = true;
    session.resume();
    expect(seen.messages).toEqual(['0:a', '0:b', '0:c']);
  });

  it('let the event loop turn where a loop awaits what the rings take at once', async () => {
    const { session } = await withRings();
    let turned = false;
    setImmediate(() => (turned = true));
    let sent = 0;
    for (; sent < 1000 && !turned; sent++) await new Promise((resolve) => session.send(0, Buffer.from('x'), resolve));
    expect([turned, sent < 1000]).toEqual([true, true]);
    expect(rings.pushed).toHaveLength(sent);
  });

  it('go out in order, those before it is known as well, each told when the rings have it', async () => {
    const { session } = await started();
    const buffer = Buffer.from('early');
    const early = send(session, buffer);
    buffer.fill('x');
    await settle();
    expect(early.result).toBe(null);
    await answer('rings');
    const late = send(session, 'late', 7);
    await settle();
    expect([early.result, late.result, rings.pushed]).toEqual(['sent', 'sent', ['0:early', '7:late']]);
    expect(b.device.calls.filter((call) => call.startsWith('SEND'))).toEqual([]);
  });

  it('wait where there is no room', async () => {
    const { session, seen } = await withRings();
    rings.room = 1;
    const results = ['a', 'b', 'c'].map((text) => send(session, text));
    expect(session.send(0, Buffer.alloc(60_000), () => {})).toBe(true);
    await settle();
    expect(results.map(({ result }) => result)).toEqual(['sent', null, null]);
    rings.room = Infinity;
    rings.options.room();
    await settle();
    expect(results.map(({ result }) => result)).toEqual(['sent', 'sent', 'sent']);
    expect(rings.pushed.slice(0, 3)).toEqual(['0:a', '0:b', '0:c']);
    expect(seen.ended).toBe(undefined);
  });

  it.each([
    ['has none for it', 'none' as const],
    ['fails', new PoolError('EIO', 'no')],
  ])('travel by SEND and RECV where the device %s, those before it is known as well', async (_, how) => {
    const { session, seen } = await started();
    const early = send(session, 'early');
    await answer(how);
    const late = send(session, 'late');
    b.device.peerSends(b.device.session(0)!, 0, 'from the peer');
    await settle();
    expect([early.result, late.result]).toEqual(['sent', 'sent']);
    expect(b.device.session(0)!.sent.map(({ data }) => Buffer.from(data).toString())).toEqual(['early', 'late']);
    expect(seen.messages).toEqual(['0:from the peer']);
  });
});

describe('the end of a session with rings', () => {
  it('closes when the device has taken all, and gives the rings back with the slot', async () => {
    const { session, seen } = await withRings();
    rings.unsent = true;
    send(session, 'x');
    const closed = session.close({ timeout: 5000 });
    await settle();
    expect([rings.flushes > 0, b.device.count('CLOSE_SESS')]).toEqual([true, 0]);
    rings.unsent = false;
    rings.options.room();
    await closed;
    expect([b.device.count('CLOSE_SESS'), rings.closed, seen.ended]).toEqual([1, true, 'local']);
  });

  it('closes behind what had to wait for room, too', async () => {
    const { session } = await withRings();
    rings.room = 1;
    rings.unsent = true;
    const results = ['a', 'b'].map((text) => send(session, text));
    const closed = session.close({ timeout: 5000 });
    await settle();
    const asked = rings.flushes;
    rings.room = 1;
    rings.options.room();
    await settle();
    expect([results.map(({ result }) => result), b.device.count('CLOSE_SESS')]).toEqual([['sent', 'sent'], 0]);
    // It is asked to tell once more, of what it was given last.
    expect(rings.flushes).toBeGreaterThan(asked);
    rings.unsent = false;
    rings.options.room();
    await closed;
    expect([rings.pushed, b.device.count('CLOSE_SESS')]).toEqual([['0:a', '0:b'], 1]);
  });

  it('gives up where the device does not take it in time', async () => {
    const { session } = await withRings();
    send(session, 'x');
    rings.unsent = true;
    const closed = session.close({ timeout: 1000 });
    const outcome = expect(closed).rejects.toMatchObject({ code: 'ERR_POOL_TIMEOUT' });
    await b.clock.advance(1100);
    await outcome;
    expect(rings.closed).toBe(true);
  });

  it('is told behind the last message, also to an owner who reads it late', async () => {
    const { session, seen } = await withRings();
    seen.room = false;
    for (const text of ['a', 'b']) rings.comes(0, text);
    b.device.peerCloses(b.device.session(0)!);
    rings.ends(errno('ECONNRESET'));
    await settle();
    expect([seen.messages, seen.ended]).toEqual([['0:a'], undefined]);
    seen.room = true;
    session.resume();
    await settle();
    expect([seen.messages, seen.ended]).toEqual([['0:a', '0:b'], 'remote']);
  });

  it('fails what waits to be sent, and what is sent after it, with what the device said', async () => {
    const { session, seen } = await withRings();
    rings.room = 0;
    const waiting = send(session, 'waits');
    await settle();
    rings.refuses(errno('EPIPE'));
    await settle();
    expect(waiting.result).toBe('ERR_POOL_PEER_LOST');
    const late = send(session, 'late');
    await settle();
    expect(late.result).toBe('ERR_POOL_PEER_LOST');
    rings.ends(errno('EPIPE'));
    await settle();
    expect(seen.ended).toBe('ERR_POOL_PEER_LOST');
  });

  it('is told to who sends next where nothing waited when the device took no more', async () => {
    const { session } = await withRings();
    rings.refuses(errno('EPIPE'));
    const late = send(session, 'late');
    await settle();
    expect(late.result).toBe('ERR_POOL_PEER_LOST');
  });

  it('of a connection that broke comes behind what is queued, as soon as its owner has taken that', async () => {
    const { session, seen } = await withRings();
    seen.room = false;
    for (const text of ['a', 'b']) rings.comes(0, text);
    rings.room = 0;
    send(session, 'x');
    rings.refuses(errno('EPIPE'));
    await b.clock.advance(2000);
    expect([seen.messages, seen.ended]).toEqual([['0:a'], undefined]);
    seen.room = true;
    session.resume();
    await b.clock.advance(100);
    expect([seen.messages, seen.ended]).toEqual([['0:a', '0:b'], 'ERR_POOL_PEER_LOST']);
  });

  it('before it is known whether there are rings leaves none open', async () => {
    const { session, seen } = await started();
    await session.close({ timeout: 1000 });
    await answer('rings');
    expect([rings.closed, rings.resumed, seen.ended]).toEqual([true, 0, 'local']);
  });

  it('with the process closes, and cuts off nothing that the rings have', async () => {
    const { session } = await withRings();
    rings.unsent = true;
    send(session, 'x');
    await settle();
    b.device.exit();
    expect(b.device.calls.filter((call) => call.startsWith('CLOSE_SESS'))).toEqual(['CLOSE_SESS 0']);
  });
});
