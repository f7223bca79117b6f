import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/base/errors.js';
import { Flag, PacketType } from '../../../src/poolnode/protocol/constants.js';
import { writeFragment } from '../../../src/poolnode/protocol/payloads.js';
import { WithModule } from './established.js';
import { concat, Pair, SECOND, type Side } from './pair.js';
import { seeded } from './seeded.js';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const texts = (side: Side): string[] => side.messages.map(({ data }) => Buffer.from(data).toString());
const message = (side: Side): string => (side.ended instanceof PoolError ? side.ended.message : String(side.ended));

describe('messages', () => {
  it('go both ways, of every size, on every channel, in order', () => {
    const random = seeded('messages both ways');
    const pair = new Pair();
    const sent: Record<'client' | 'server', { channel: number; data: Uint8Array }[]> = { client: [], server: [] };
    const sizes = [1, 2, 15, 16, 4_080, 4_081, 65_503, 65_511, 65_518, 65_519, 65_520, 65_534, 65_535];
    for (let i = 0; i < 120; i++) {
      const from = random.int(2) === 0 ? 'client' : 'server';
      const data = new Uint8Array(sizes[i] ?? 1 + random.int(3_000)).fill(random.int(256));
      const channel = i === 0 ? 255 : random.int(256);
      pair[from].session.sendMessage(channel, data, pair.now);
      sent[from].push({ channel, data: data.slice() });
      // The session has taken all it needs of it.
      data.fill(0xee);
      if (random.int(4) === 0) pair.settle();
    }
    pair.settle();
    for (const [from, to] of [
      ['client', 'server'],
      ['server', 'client'],
    ] as const) {
      const got = pair[to].messages;
      expect(got.map(({ channel, data }) => [channel, data.length])).toEqual(
        sent[from].map(({ channel, data }) => [channel, data.length]),
      );
      got.forEach(({ data }, i) => expect(Buffer.from(data).equals(sent[from][i]!.data)).toBe(true));
    }
  });

  it('leave whole up to 65519 bytes, and above that as two fragments that a module takes', () => {
    const conversation = new WithModule('client');
    for (const size of [65_519, 65_520]) {
      conversation.side.session.sendMessage(7, new Uint8Array(size).fill(1), conversation.now);
    }
    conversation.toModule();
    expect(conversation.module.received.map(({ flags, plaintext }) => [flags, plaintext.length])).toEqual([
      [0x21, 65_519],
      [0x29, 65_519],
      [0x39, 17],
    ]);
  });

  it.each<[name: string, channel: number, size: number, code: string]>([
    ['no byte', 0, 0, 'ERR_INVALID_ARG_VALUE'],
    ['65536 bytes', 0, 65_536, 'ERR_POOL_MESSAGE_TOO_LARGE'],
    ['channel 256', 256, 1, 'ERR_OUT_OF_RANGE'],
    ['channel -1', -1, 1, 'ERR_OUT_OF_RANGE'],
    ['channel 1.5', 1.5, 1, 'ERR_OUT_OF_RANGE'],
  ])('with %s are refused before anything is sent, and the session lives', (_, channel, size, code) => {
    const pair = new Pair();
    const { session } = pair.client;
    expect(() => session.sendMessage(channel, new Uint8Array(size), pair.now)).toThrowError(
      expect.objectContaining({ code }),
    );
    expect(session.hasOutput).toBe(false);
    session.sendMessage(0, bytes('alive'), pair.now);
    pair.settle();
    expect(texts(pair.server)).toEqual(['alive']);
  });

  it('without a byte, which a peer may send, are counted and not delivered', () => {
    const { module, side, ...rest } = new WithModule('client');
    void rest;
    module.send(PacketType.Data, Flag.RequireAck, 3);
    module.data('next');
    side.session.receive(module.take());
    side.pump(0n);
    expect(texts(side)).toEqual(['next']);
    expect(side.session.counters.emptyMessages).toBe(1);
  });

  it("are the receiver's to keep", () => {
    const pair = new Pair();
    pair.client.session.sendMessage(0, bytes('first'), pair.now);
    pair.client.session.sendMessage(0, bytes('other'), pair.now);
    pair.settle();
    const [first, other] = pair.server.messages;
    expect(first!.data.buffer).not.toBe(other!.data.buffer);
    first!.data.fill(0);
    expect(texts(pair.server)[1]).toBe('other');
  });

  it('are the same however the stream is cut', () => {
    const random = seeded('session chunking');
    const pair = new Pair();
    const cutting = (stream: Uint8Array): Uint8Array[] => {
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < stream.length; ) {
        const size = random.int(3) === 0 ? random.int(20) : random.int(5_000);
        chunks.push(stream.slice(at, at + size));
        at += size;
      }
      return chunks;
    };
    pair.client.tap = cutting;
    const data = Array.from({ length: 40 }, () => random.bytes(1 + random.int(9_000)));
    for (const one of data) pair.client.session.sendMessage(1, one, pair.now);
    pair.settle();
    expect(concat(pair.server.messages.map((got) => got.data))).toEqual(concat(data));
  });
});

describe('fragments of a module', () => {
  const fragment = (id: number, offset: number, total: number, text: string): Uint8Array =>
    writeFragment({ messageId: id, offset, total }, bytes(text));
  const FRAGMENT = Flag.RequireAck | Flag.Fragment;

  it('become one message', () => {
    const conversation = new WithModule('server');
    conversation.module.send(PacketType.Data, FRAGMENT, 3, fragment(1, 0, 6, 'abc'));
    conversation.module.data('between', 4);
    conversation.module.send(PacketType.Data, FRAGMENT | Flag.LastFragment, 3, fragment(1, 3, 6, 'def'));
    conversation.settle();
    expect(conversation.texts()).toEqual(['between', 'abcdef']);
  });

  it('that are not complete within 5 s end the session', () => {
    const conversation = new WithModule('server');
    conversation.module.send(PacketType.Data, FRAGMENT, 3, fragment(1, 0, 6, 'abc'));
    conversation.toSession();
    const { session } = conversation.side;
    const due = conversation.now + 5n * SECOND;
    expect(session.nextTimeout()).toBe(due);
    session.handleTimeout(due - 1n);
    expect(session.next(due)).toBeNull();
    session.handleTimeout(due);
    session.handleTimeout(due + SECOND);
    conversation.side.pump(due);
    expect(conversation.side.code).toBe('ERR_POOL_PROTOCOL');
    expect(message(conversation.side)).toMatch(/fragments was not complete in time/);
  });

  it('have their 5 s also where others come whole all the time', () => {
    const conversation = new WithModule('server');
    conversation.module.send(PacketType.Data, FRAGMENT, 3, fragment(1, 0, 6, 'abc'));
    conversation.toSession();
    const { session } = conversation.side;
    const due = conversation.now + 5n * SECOND;
    for (let id = 2; conversation.side.ended === null && conversation.now < due + SECOND; id++) {
      conversation.now += SECOND / 50n;
      conversation.module.send(PacketType.Data, FRAGMENT | Flag.LastFragment, 3, fragment(id, 0, 1, 'x'));
      conversation.toSession();
      session.handleTimeout(conversation.now);
      conversation.side.pump(conversation.now);
    }
    expect(conversation.side.code).toBe('ERR_POOL_PROTOCOL');
    expect(message(conversation.side)).toMatch(/fragments was not complete in time/);
    expect(conversation.now - due).toBeLessThan(SECOND / 10n);
  });

  it('have 5 s each, whichever are whole before', () => {
    const conversation = new WithModule('server');
    const { module, side } = conversation;
    module.send(PacketType.Data, FRAGMENT, 3, fragment(1, 0, 6, 'abc'));
    conversation.toSession();
    conversation.now += 4n * SECOND;
    side.session.handleTimeout(conversation.now);
    module.send(PacketType.Data, FRAGMENT, 3, fragment(2, 0, 6, 'ghi'));
    module.send(PacketType.Data, FRAGMENT | Flag.LastFragment, 3, fragment(1, 3, 6, 'def'));
    conversation.toSession();
    const due = conversation.now + 5n * SECOND;
    for (; conversation.now < due; conversation.now += SECOND / 2n) side.session.handleTimeout(conversation.now);
    side.pump(conversation.now);
    expect([conversation.texts(), side.ended]).toEqual([['abcdef'], null]);
    side.session.handleTimeout(due);
    side.session.handleTimeout(due + SECOND);
    side.pump(due + SECOND);
    expect(message(side)).toMatch(/fragments was not complete in time/);
  });

  it('are given the time in which nothing was read', () => {
    const conversation = new WithModule('server');
    conversation.module.send(PacketType.Data, FRAGMENT, 3, fragment(1, 0, 6, 'abc'));
    conversation.toSession();
    const { session } = conversation.side;
    session.pauseReading(conversation.now + SECOND);
    session.handleTimeout(conversation.now + 60n * SECOND);
    session.resumeReading(conversation.now + 61n * SECOND);
    conversation.now += 61n * SECOND;
    conversation.module.send(PacketType.Data, FRAGMENT, 3, fragment(2, 0, 6, 'ghi'));
    conversation.toSession();
    for (let i = 0; i < 3; i++) session.handleTimeout((conversation.now += SECOND));
    conversation.module.send(PacketType.Data, FRAGMENT | Flag.LastFragment, 3, fragment(1, 3, 6, 'def'));
    conversation.module.send(PacketType.Data, FRAGMENT | Flag.LastFragment, 3, fragment(2, 3, 6, 'jkl'));
    conversation.toSession();
    expect(conversation.texts()).toEqual(['abcdef', 'ghijkl']);
    expect(conversation.side.ended).toBeNull();
  });

  it('that break a rule end the session, and nothing of them is delivered', () => {
    const conversation = new WithModule('client');
    conversation.module.data('good');
    conversation.module.send(PacketType.Data, FRAGMENT, 3, fragment(1, 0, 6, 'abc'));
    conversation.module.send(PacketType.Data, FRAGMENT | Flag.LastFragment, 3, fragment(1, 0, 6, 'abc'));
    conversation.module.data('never');
    conversation.toSession();
    expect(conversation.texts()).toEqual(['good']);
    expect(message(conversation.side)).toMatch(/overlap/);
  });
});

describe('packets that carry no message', () => {
  it('keep two idle sides alive for hours, and measure the way', () => {
    const pair = new Pair({
      clientLimits: { rekeyIntervalNs: 1n << 62n },
      serverLimits: { rekeyIntervalNs: 1n << 62n },
    });
    pair.run(3n * 3_600n * SECOND);
    expect([pair.client.ended, pair.server.ended]).toEqual([null, null]);
    // One HEARTBEAT in 5 s each way, each with its ACK, and the handshake's two; no probe in between.
    const { packetsSent } = pair.client.session.counters;
    expect(packetsSent).toBeGreaterThan(2n * 2_150n);
    expect(packetsSent).toBeLessThanOrEqual(2n * 2_160n + 2n);
    expect(pair.client.session.peerTelemetry()).toMatchObject({ mtuCurrent: 1_400, lossRatePpm: 0 });
    expect(pair.server.session.telemetry(pair.now, 5)).toMatchObject({ queueDepth: 5, rekeyCount: 0 });
  });

  it('are a HEARTBEAT with flags 0x41 every 5 s, and an empty ACK of its number', () => {
    const conversation = new WithModule('client');
    const { session } = conversation.side;
    session.queueDepth = 9;
    expect(session.nextTimeout()).toBe(conversation.now + 5n * SECOND);
    session.handleTimeout(conversation.now + 5n * SECOND);
    conversation.toModule();
    expect(conversation.module.received).toMatchObject([{ type: PacketType.Heartbeat, flags: 0x41 }]);
    expect(conversation.module.received[0]!.plaintext.length).toBe(44);
    expect(conversation.module.received[0]!.plaintext[26]).toBe(9);
    conversation.now += 5n * SECOND + 3_000n;
    conversation.toSession();
    expect(session.telemetry(conversation.now, 0).rttNs).toBe(3_000n);
  });

  it('are echoed where they probe the MTU: once, flags ENCRYPTED only', () => {
    const conversation = new WithModule('client');
    const probe = new Uint8Array(1_300);
    probe.set([0x05, 0x6a]);
    conversation.module.send(PacketType.Discover, 0, 0, probe);
    conversation.module.send(PacketType.Discover, Flag.Telemetry, 0, probe);
    conversation.settle();
    expect(conversation.module.received).toMatchObject([{ type: PacketType.Discover, flags: 1, plaintext: probe }]);
    expect(conversation.side.session.telemetry(conversation.now, 0).mtuCurrent).toBe(1_386);
  });

  it.each([0x0, 0x1, 0x2, 0x8, 0x9, 0xb, 0xc, 0xd, 0xe, 0xf])('of type 0x%s are ignored and never answered', (type) => {
    const conversation = new WithModule('server');
    conversation.module.send(type, 0, 0, bytes('whatever'));
    conversation.module.send(type);
    conversation.module.data('after');
    conversation.settle();
    expect(conversation.texts()).toEqual(['after']);
    expect(conversation.module.received).toEqual([]);
    expect(conversation.side.ended).toBeNull();
  });

  it('do not make us send without bound: a flood of HEARTBEATs, DISCOVERs and INTEGRITYs', () => {
    const conversation = new WithModule('server');
    for (const type of [PacketType.Heartbeat, PacketType.Discover, PacketType.Integrity]) {
      for (let i = 0; i < 2_000; i++)
        conversation.module.send(type, 0, 0, type === PacketType.Discover ? bytes('xxxx') : undefined);
    }
    conversation.toSession();
    expect(conversation.side.ended).toBeNull();
    const output = concat(conversation.side.session.takeOutput());
    expect(output.length).toBeLessThanOrEqual(100 * 80 + 20 * 100);
    expect(output.length).toBeGreaterThan(0);
  });
});

describe('a stream that lost or gained a byte', () => {
  /** Ends the server with the first bytes of a long message after `change`; how, and in what time. */
  function ending(change: (bytes: Uint8Array) => Uint8Array): [error: unknown, output: boolean, ns: bigint] {
    const pair = new Pair();
    pair.settle();
    const { server } = pair;
    pair.client.tap = (bytes) => [change(bytes)];
    const before = pair.now;
    pair.client.session.sendMessage(0, new Uint8Array(60_000), pair.now);
    pair.settle();
    return [server.ended, server.session.hasOutput, pair.now - before];
  }

  const flip = (at: number) => (bytes: Uint8Array) => {
    bytes[at] = bytes[at]! ^ 1;
    return bytes;
  };

  it.each<[what: string, change: (bytes: Uint8Array) => Uint8Array]>([
    ['a byte less', (bytes) => bytes.subarray(1, 81)],
    ['a byte more', (bytes) => concat([Uint8Array.of(0x13), bytes]).subarray(0, 80)],
    ['another version', (bytes) => flip(0)(bytes.map((byte, at) => (at === 0 ? byte ^ 0x30 : byte))).subarray(0, 80)],
    ['a reserved byte', (bytes) => flip(1)(bytes).subarray(0, 80)],
    ['the other reserved byte', (bytes) => flip(47)(bytes).subarray(0, 80)],
    ['another session', (bytes) => flip(35)(bytes).subarray(0, 80)],
  ])('(%s) ends at its first header, as a wrong HMAC ends it', (_what, change) => {
    const wrongHmac = ending(flip(79));
    expect(wrongHmac).toMatchObject([{ code: 'ERR_POOL_AUTH_FAILED' }, false, 0n]);
    const shifted = ending(change);
    expect(shifted).toEqual(wrongHmac);
    expect((shifted[0] as Error).message).toBe((wrongHmac[0] as Error).message);
  });
});

describe('life and death', () => {
  it('asks a silent peer after 10 s and gives it up after 20 s', () => {
    const pair = new Pair({ clientLimits: { heartbeatIntervalNs: 3_600n * SECOND } });
    pair.settle();
    pair.cut = true;
    const { session } = pair.client;
    const start = pair.now;
    expect(session.nextTimeout()).toBe(start + 10n * SECOND);
    session.handleTimeout(start + 10n * SECOND);
    expect(concat(session.takeOutput())[0]).toBe(0x15);
    pair.run(19n * SECOND);
    expect(pair.client.ended).toBeNull();
    pair.run(2n * SECOND);
    expect(pair.client.code).toBe('ERR_POOL_PEER_LOST');
    expect(pair.client.session.state).toBe('CLOSING');
  });

  it('does not judge while it does not read, however long', () => {
    const pair = new Pair();
    pair.settle();
    const held: Uint8Array[] = [];
    pair.server.tap = (stream) => {
      held.push(stream);
      return [];
    };
    pair.client.session.pauseReading(pair.now);
    pair.run(600n * SECOND);
    expect([pair.client.ended, pair.server.ended]).toEqual([null, null]);
    pair.client.session.resumeReading(pair.now);
    pair.client.session.handleTimeout(pair.now);
    pair.run(15n * SECOND);
    expect(pair.client.ended).toBeNull();
    for (const stream of held) pair.client.session.receive(stream);
    pair.server.tap = (stream) => [stream];
    pair.run(60n * SECOND);
    expect([pair.client.ended, pair.server.ended]).toEqual([null, null]);
    pair.cut = true;
    pair.run(21n * SECOND);
    expect(pair.client.code).toBe('ERR_POOL_PEER_LOST');
  });

  it('after a suspend reads first: no verdict at once, one HEARTBEAT and no storm', () => {
    const pair = new Pair();
    pair.settle();
    const { session } = pair.client;
    pair.now += 3_600n * SECOND;
    session.handleTimeout(pair.now);
    expect(session.next(pair.now)).toBeNull();
    // REKEY is due as well after an hour; all in all a handful of packets, not 720 HEARTBEATs.
    expect(concat(session.takeOutput()).length).toBeLessThan(600);
    pair.cut = true;
    pair.run(10n * SECOND + SECOND);
    expect(pair.client.code).toBe('ERR_POOL_PEER_LOST');
  });

  it('after a suspend goes on with a peer that is still there', () => {
    const pair = new Pair({
      clientLimits: { rekeyIntervalNs: 1n << 62n },
      serverLimits: { rekeyIntervalNs: 1n << 62n },
    });
    pair.settle();
    pair.now += 3_600n * SECOND;
    pair.run(60n * SECOND);
    pair.client.session.sendMessage(0, bytes('still here'), pair.now);
    pair.settle();
    expect(texts(pair.server)).toEqual(['still here']);
  });

  it('gives a packet that never becomes whole its time, which bytes that follow do not extend', () => {
    const pair = new Pair({ serverLimits: { packetTimeoutNs: 8n * SECOND } });
    pair.client.session.sendMessage(0, bytes('enlarged'), pair.now);
    pair.client.tap = (stream) => {
      const enlarged = stream.slice();
      enlarged[44] = 0xff;
      return [enlarged];
    };
    pair.settle();
    pair.client.tap = (stream) => [stream];
    pair.run(7n * SECOND);
    expect(pair.server.ended).toBeNull();
    pair.run(2n * SECOND);
    expect(pair.server.code).toBe('ERR_POOL_PROTOCOL');
    expect(message(pair.server)).toMatch(/packet was not complete in time/);
    expect(pair.server.messages).toEqual([]);
  });
});

describe('ends', () => {
  it('with the peer having all that was sent before CLOSE', () => {
    const pair = new Pair();
    pair.client.session.sendMessage(0, bytes('last words'), pair.now);
    pair.client.session.close(pair.now);
    expect(pair.client.session.state).toBe('CLOSING');
    expect(() => pair.client.session.sendMessage(0, bytes('x'), pair.now)).toThrowError(
      expect.objectContaining({ code: 'ERR_POOL_CLOSED' }),
    );
    pair.settle();
    expect(texts(pair.server)).toEqual(['last words']);
    expect(pair.server.ended).toBe('closed');
    expect(() => pair.server.session.sendMessage(0, bytes('x'), pair.now)).toThrowError(
      expect.objectContaining({ code: 'ERR_POOL_NOT_ESTABLISHED' }),
    );
    pair.client.session.receiveEnd();
    expect(pair.client.session.next(pair.now)).toBeNull();
    expect([pair.client.session.nextTimeout(), pair.server.session.nextTimeout()]).toEqual([null, null]);
  });

  it('as lost on a FIN without CLOSE, after what was sent before it', () => {
    const pair = new Pair();
    pair.client.session.sendMessage(0, bytes('before'), pair.now);
    pair.server.session.receive(concat(pair.client.session.takeOutput()));
    pair.server.session.receiveEnd();
    pair.settle();
    expect(texts(pair.server)).toEqual(['before']);
    expect(pair.server.code).toBe('ERR_POOL_PEER_LOST');
  });

  it('as lost on a FIN in the middle of a packet', () => {
    const pair = new Pair();
    pair.client.session.sendMessage(0, bytes('cut off'), pair.now);
    pair.server.session.receive(concat(pair.client.session.takeOutput()).subarray(0, 100));
    pair.server.session.receiveEnd();
    pair.settle();
    expect(pair.server.code).toBe('ERR_POOL_PEER_LOST');
    expect(pair.server.messages).toEqual([]);
  });

  it('by CLOSE of both sides at once', () => {
    const pair = new Pair();
    pair.client.session.close(pair.now);
    pair.server.session.close(pair.now);
    pair.settle();
    expect([pair.client.ended, pair.server.ended]).toEqual(['closed', 'closed']);
  });

  it('after our CLOSE discards what is authentic and fails on the rest of a SEND in clear', () => {
    const conversation = new WithModule('client');
    conversation.side.session.close(conversation.now);
    conversation.module.data('under way');
    conversation.toSession();
    expect([conversation.texts(), conversation.side.ended]).toEqual([[], null]);
    // What a module does (kernel contract, hazard 13): ENCRYPTED off, HMAC zero.
    const clear = new Uint8Array(90);
    clear.set([0x13, 0, 0, 0x20]);
    clear[45] = 10;
    conversation.side.session.receive(clear);
    conversation.side.pump(conversation.now);
    expect(conversation.side.code).toBe('ERR_POOL_AUTH_FAILED');
  });

  it('follows a REKEY that crosses our CLOSE, answering nothing', () => {
    const pair = new Pair({ serverLimits: { rekeyPackets: 5 } });
    pair.client.session.close(pair.now);
    const closing = concat(pair.client.session.takeOutput());
    for (let i = 0; i < 6; i++) pair.server.session.sendMessage(0, bytes(`${i}`), pair.now);
    pair.client.session.receive(concat(pair.server.session.takeOutput()));
    pair.client.pump(pair.now);
    expect(pair.client.ended).toBeNull();
    expect(pair.client.session.hasOutput).toBe(false);
    pair.server.session.receive(closing);
    pair.server.pump(pair.now);
    expect(pair.server.ended).toBe('closed');
  });

  it('once: no event, no output and no complaint after the last event', () => {
    const pair = new Pair();
    pair.client.session.close(pair.now);
    pair.settle();
    const { session } = pair.server;
    session.receive(new Uint8Array(500).fill(0xff));
    session.receiveEnd();
    session.close(pair.now);
    session.handleTimeout(pair.now + 3_600n * SECOND);
    expect(session.next(pair.now)).toBeNull();
    expect(session.hasOutput).toBe(false);
  });
});

describe('sequence numbers', () => {
  it.each<[client: bigint, server: bigint]>([
    [(1n << 53n) - 3n, (1n << 62n) + 5n],
    [1n << 53n, (1n << 63n) - 3n],
    [(1n << 32n) + 1n, (1n << 63n) - (1n << 40n)],
    [(1n << 62n) - (1n << 34n), 1n << 62n],
  ])('may start at %d and %d', (clientBase, serverBase) => {
    const pair = new Pair({ clientBase, serverBase });
    for (let i = 0; i < 10; i++) {
      pair.client.session.sendMessage(0, bytes(`c${i}`), pair.now);
      pair.server.session.sendMessage(0, bytes(`s${i}`), pair.now);
      pair.settle();
    }
    expect([pair.client.messages.length, pair.server.messages.length]).toEqual([10, 10]);
  });

  it('that would wrap end the session, before one is used twice', () => {
    const pair = new Pair({ clientBase: (1n << 64n) - 5n });
    const { session } = pair.client;
    // INIT and RESPONSE took two of the five.
    for (let i = 0; i < 3; i++) session.sendMessage(0, bytes('x'), pair.now);
    expect(() => session.sendMessage(0, bytes('x'), pair.now)).toThrowError(/used up/);
    expect(session.state).toBe('CLOSING');
    pair.settle();
    expect(pair.client.code).toBe('ERR_POOL_PROTOCOL');
    expect(pair.server.messages).toHaveLength(3);
  });

  it('of both sides that overlap are refused in the handshake', () => {
    expect(() => new Pair({ clientBase: 1n << 40n, serverBase: 1n << 40n })).toThrowError(/within 2\^33/);
  });
});

describe('secrets', () => {
  it('appear in no inspection of a session', () => {
    const { session } = new Pair().client;
    expect(inspect(session, { depth: 9, showHidden: true })).not.toMatch(/crypto|secret|KeyObject|#/i);
  });
});
