/** Sessions whose peer must prove who it is, with honest peers and with one that holds the session's keys and nothing else. */
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../../src/base/errors.js';
import type {
  DiallerCredentials,
  ListenerCredentials,
} from '../../../../src/poolnode/protocol/authentication/types.js';
import { Flag, PacketType } from '../../../../src/poolnode/protocol/constants.js';
import { WithModule } from '../established.js';
import { Pair, SECOND, TELEMETRY } from '../pair.js';
import { preSharedKey, PSK_BYTES, TEST_1, TEST_2 } from './credentials.js';

const filled = (byte: number, size = 32) => new Uint8Array(size).fill(byte);
const text = (data: Uint8Array) => Buffer.from(data).toString();
const say = (words: string) => new Uint8Array(Buffer.from(words));

const serverCredentials: ListenerCredentials = { mode: 'keys', identity: TEST_1, demand: true, self: filled(1) };
const clientCredentials: DiallerCredentials = { mode: 'keys', identity: TEST_2, self: filled(2) };
const psk = preSharedKey(PSK_BYTES);
const keys = { serverCredentials, clientCredentials };
const secret = {
  serverCredentials: { mode: 'psk', keys: [psk], self: filled(1) } as const,
  clientCredentials: { mode: 'psk', key: psk, self: filled(2) } as const,
};

/** Both keys were proven, and both sides said yes. */
function admitBoth(pair: Pair): void {
  pair.settle();
  pair.client.session.decide(true, pair.now);
  pair.settle();
  pair.server.session.decide(true, pair.now);
  pair.settle();
}

describe('two nodes with keys', () => {
  it('open when both are proven and admitted, and talk', () => {
    const pair = new Pair(keys);
    pair.settle();
    expect(pair.client.asked).toEqual([TEST_1.publicKey]);
    expect(pair.server.asked).toEqual([]);
    pair.client.session.decide(true, pair.now);
    pair.settle();
    expect(pair.server.asked).toEqual([TEST_2.publicKey]);
    expect([pair.client.session.authenticating, pair.server.session.authenticating]).toEqual([true, true]);
    pair.server.session.decide(true, pair.now);
    pair.server.session.sendMessage(0, say('right behind'), pair.now);
    pair.settle();
    pair.client.session.sendMessage(3, say('hello'), pair.now);
    pair.settle();
    expect(pair.client.peer).toEqual({ method: 'key', publicKey: TEST_1.publicKey });
    expect(pair.server.peer).toEqual({ method: 'key', publicKey: TEST_2.publicKey });
    expect(pair.client.messages.map(({ data }) => text(data))).toEqual(['right behind']);
    expect(pair.server.messages.map(({ data }) => text(data))).toEqual(['hello']);
  });

  it.each([
    ['the dialler', 0],
    ['the listener', 1],
  ])('end on both sides when %s says no, and nothing was sent but the exchange', (_, who) => {
    const pair = new Pair(keys);
    pair.settle();
    pair.client.session.decide(who !== 0, pair.now);
    pair.settle();
    if (who === 1) {
      pair.server.session.decide(false, pair.now);
      pair.settle();
    }
    expect([pair.client.code, pair.server.code]).toEqual(['ERR_POOL_AUTH_FAILED', 'ERR_POOL_AUTH_FAILED']);
    const [told, guessed] = who === 0 ? [pair.client, pair.server] : [pair.server, pair.client];
    expect((told.ended as PoolError).message).toMatch(/none of those that are admitted/);
    expect((guessed.ended as PoolError).message).toMatch(/refused this side/);
    expect(pair.server.asked.length).toBe(who);
  });

  it('send no message before they are open', () => {
    const pair = new Pair(keys);
    pair.settle();
    for (const { session } of [pair.client, pair.server]) {
      expect(() => session.sendMessage(0, say('early'), pair.now)).toThrow(
        expect.objectContaining({ code: 'ERR_POOL_NOT_ESTABLISHED' }),
      );
    }
    admitBoth(pair);
    expect(pair.server.peer).toBeDefined();
  });

  it('change keys after the gate, and not before it', () => {
    const limits = { rekeyPackets: 3 };
    const pair = new Pair({ ...keys, clientLimits: limits, serverLimits: limits });
    pair.settle();
    expect([pair.client.rekeys, pair.server.rekeys]).toEqual([[], []]);
    admitBoth(pair);
    for (let i = 0; i < 8; i++) {
      pair.client.session.sendMessage(0, say(`${i}`), pair.now);
      pair.settle();
    }
    expect(pair.client.rekeys.length).toBeGreaterThan(0);
    expect(pair.server.messages.map(({ data }) => text(data))).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map(String));
  });

  it('keep each other alive while somebody decides', () => {
    const pair = new Pair(keys);
    pair.run(60n * SECOND);
    expect([pair.client.code, pair.server.code]).toEqual([null, null]);
    admitBoth(pair);
    expect(pair.client.peer).toBeDefined();
  });
});

it('two nodes with the same pre-shared key open without being asked anything', () => {
  const pair = new Pair(secret);
  pair.settle();
  expect([pair.client.peer, pair.server.peer]).toEqual([{ method: 'psk' }, { method: 'psk' }]);
  expect([pair.client.asked, pair.server.asked]).toEqual([[], []]);
});

it.each([
  ['the dialler', { clientCredentials }],
  ['the listener', { serverCredentials }],
])('nothing opens where only %s asks', (_, credentials) => {
  const pair = new Pair(credentials);
  pair.run(2n * SECOND);
  const asks = 'clientCredentials' in credentials ? pair.client : pair.server;
  expect(asks.session.authenticating).toBe(true);
  asks.session.refuse(new PoolError('ERR_POOL_AUTH_FAILED', 'too late'), pair.now);
  pair.settle();
  expect(asks.code).toBe('ERR_POOL_AUTH_FAILED');
});

it('a session without proofs ignores a message about them, and never sends one', () => {
  const conversation = new WithModule('server');
  conversation.module.send(PacketType.Authentication, 0, 0, filled(1, 160));
  conversation.module.data('and goes on');
  conversation.settle();
  expect(conversation.texts()).toEqual(['and goes on']);
  expect(conversation.module.received.filter(({ type }) => type === PacketType.Authentication)).toEqual([]);
});

describe.each(['client', 'server'] as const)(
  'a %s whose peer has the keys of the session and can prove nothing',
  (role) => {
    const hostile = () => new WithModule(role, {}, keys);

    it.each([
      ['DATA', PacketType.Data, Flag.RequireAck, say('believe me')],
      ['DATA without a byte', PacketType.Data, 0, new Uint8Array(0)],
      ['a fragment', PacketType.Data, Flag.Fragment, filled(1, 20)],
      ['REKEY', PacketType.Rekey, 0, filled(9)],
      ['DISCOVER', PacketType.Discover, 0, filled(1, 40)],
      ['CONFIG', PacketType.Config, 0, filled(1, 8)],
      ['JOURNAL', PacketType.Journal, 0, filled(1, 8)],
      ['INTEGRITY', PacketType.Integrity, 0, filled(1, 8)],
      ['RESPONSE', PacketType.Response, 0, filled(1, 64)],
      ['a type that nobody knows', 0xe, 0, filled(1, 8)],
      ['a message that is none', PacketType.Authentication, 0, filled(1, 160)],
      ['an empty message', PacketType.Authentication, 0, new Uint8Array(0)],
      ['a long HEARTBEAT', PacketType.Heartbeat, Flag.Telemetry, filled(1, 300)],
    ])('refuses %s at once, with CLOSE and without a word more', (_, type, flags, plaintext) => {
      const conversation = hostile();
      conversation.module.received.length = 0;
      conversation.module.send(type, flags, 0, plaintext);
      conversation.settle();
      expect(conversation.side.code).toBe('ERR_POOL_AUTH_FAILED');
      expect(conversation.side.messages).toEqual([]);
      expect(conversation.side.asked).toEqual([]);
      expect(conversation.module.received.map((packet) => packet.type)).toEqual([PacketType.Close]);
    });

    it('lets HEARTBEAT and ACK pass, and answers', () => {
      const conversation = hostile();
      conversation.module.send(PacketType.Heartbeat, Flag.Telemetry, 0, TELEMETRY);
      conversation.module.send(PacketType.Ack);
      conversation.settle();
      expect(conversation.side.code).toBeNull();
      expect(conversation.module.received.map(({ type }) => type)).toEqual([PacketType.Ack]);
    });

    it('refuses a flood of them', () => {
      const conversation = hostile();
      for (let i = 0; i < 100; i++) conversation.module.send(PacketType.Ack);
      conversation.settle();
      expect(conversation.side.code).toBe('ERR_POOL_AUTH_FAILED');
    });

    it('takes CLOSE for a refusal', () => {
      const conversation = hostile();
      conversation.module.send(PacketType.Close);
      conversation.settle();
      expect(conversation.side.ended).toMatchObject({
        code: 'ERR_POOL_AUTH_FAILED',
        message: expect.stringMatching(/refused this side/) as string,
      });
    });
  },
);
