/**
 * What an attacker in the path can do without keys, against one rule: what is delivered is a prefix of what was sent, then
 * comes one typed error (or nothing, where bytes are withheld), and good packets after it change nothing.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/base/errors.js';
import { Flag, PacketType } from '../../../src/poolnode/protocol/constants.js';
import { writeFragment } from '../../../src/poolnode/protocol/payloads.js';
import { reached, timeout, tries } from '../../reliability/figures.js';
import { CRYPTOGRAPHIES } from '../crypto/cryptographies.js';
import { WithModule } from './established.js';
import { nullCrypto } from './null-crypto.js';
import { Pair, type Side, TELEMETRY, useCrypto } from './pair.js';
import { seeded } from './seeded.js';
import { mac } from './sealing.js';
import { writeHeader } from './write-header.js';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

/** One packet of each type, as a module would send it. */
const PACKETS: readonly [name: string, type: number, flags: number, plaintext: Uint8Array][] = [
  ['INIT', PacketType.Init, 0, new Uint8Array(64)],
  ['CHALLENGE', PacketType.Challenge, 0, new Uint8Array(98)],
  ['RESPONSE', PacketType.Response, Flag.RequireAck, new Uint8Array(64)],
  ['DATA', PacketType.Data, Flag.RequireAck, bytes('tampered with')],
  [
    'DATA in a fragment',
    PacketType.Data,
    Flag.RequireAck | Flag.Fragment | Flag.LastFragment,
    writeFragment({ messageId: 1, offset: 0, total: 8 }, bytes('tampered')),
  ],
  ['ACK', PacketType.Ack, 0, new Uint8Array(0)],
  ['HEARTBEAT', PacketType.Heartbeat, Flag.Telemetry, TELEMETRY],
  ['REKEY', PacketType.Rekey, 0, new Uint8Array(32).fill(9)],
  ['CLOSE', PacketType.Close, 0, new Uint8Array(0)],
  ['CONFIG', PacketType.Config, Flag.ConfigLock, bytes('config')],
  ['ROLLBACK', PacketType.Rollback, 0, bytes('rollback')],
  ['DISCOVER', PacketType.Discover, 0, new Uint8Array(40)],
  ['JOURNAL', PacketType.Journal, Flag.JournalSync, bytes('journal')],
  ['INTEGRITY', PacketType.Integrity, 0, bytes('integrity')],
];

/** What of all bits of all packets is tried with each cryptography; odd, so that it meets every bit of the bytes. */
function strideOfBits(): number {
  const each = tries('T1') / CRYPTOGRAPHIES.length;
  const all =
    PACKETS.reduce((sum, [, type, flags, plaintext]) => sum + tapped(type, flags, plaintext).packet.length, 0) * 8;
  return Math.max(1, Math.floor(all / each)) | 1;
}

/** A conversation that has delivered one message; its next packet of the module is for the attacker. */
function tapped(type: number, flags: number, plaintext: Uint8Array): { conversation: WithModule; packet: Uint8Array } {
  const conversation = new WithModule('server');
  conversation.module.data('before');
  conversation.settle();
  conversation.module.send(type, flags, 5, plaintext);
  return { conversation, packet: conversation.module.take() };
}

function outcome(conversation: WithModule, packet: Uint8Array): string | null {
  const { side, module } = conversation;
  side.session.receive(packet);
  side.pump(conversation.now);
  // A good packet after it must find nobody.
  module.data('after');
  side.session.receive(module.take());
  side.pump(conversation.now);
  return side.code;
}

const lengthGrew = (bit: number, packet: Uint8Array): boolean =>
  bit >= 44 * 8 && bit < 46 * 8 && (packet[bit >> 3]! & (0x80 >> (bit & 7))) === 0;

type Op = (packets: Uint8Array[], at: number, backwards: Uint8Array[]) => void;

const OPS: Readonly<Record<string, Op>> = {
  drop: (packets, at) => void packets.splice(at, 1),
  duplicate: (packets, at) => void packets.splice(at, 0, packets[at]!),
  'replay an older one': (packets, at) => void packets.splice(at + 1, 0, packets[0]!),
  swap: (packets, at) => void packets.splice(at, 2, ...[packets[at + 1]!, packets[at]!].filter(Boolean)),
  'reflect one of its own': (packets, at, backwards) => void packets.splice(at, 0, backwards[at % backwards.length]!),
  truncate: (packets, at) => {
    const [packet, next] = [packets[at]!, packets[at + 1]!];
    // Where what is cut off equals what follows it, the packet would be whole.
    let cut = 1;
    while (Buffer.compare(packet.subarray(-cut), next.subarray(0, cut)) === 0) cut += 1;
    packets.splice(at, 1, packet.subarray(0, -cut));
  },
  'insert noise': (packets, at) => void packets.splice(at, 0, new Uint8Array(80).fill(0x13).fill(0, 44, 46)),
  'insert an ACK without HMAC': (packets, at) => {
    const forged = packets[at]!.slice(0, 80);
    forged[0] = 0x14;
    forged.fill(0, 44, 46).fill(0, 48);
    packets.splice(at, 0, forged);
  },
};

describe.each(CRYPTOGRAPHIES)('with the cryptography of kind $kind', ({ crypto }) => {
  beforeAll(() => useCrypto(crypto, 8));

  describe('a flipped bit', () => {
    it.each(PACKETS)(
      'anywhere in %s ends the session, and nothing of it is delivered or acted on',
      { timeout: timeout('T1') },
      (name, type, flags, plaintext) => {
        const bits = tapped(type, flags, plaintext).packet.length * 8;
        // A sample that differs from type to type: together they meet each byte of the header with several bits.
        const which = PACKETS.findIndex((packet) => packet[0] === name);
        const stride = strideOfBits();
        let tried = 0;
        for (let bit = which % stride; bit < bits; bit += stride, tried++) {
          const { conversation, packet } = tapped(type, flags, plaintext);
          const waits = lengthGrew(bit, packet);
          packet[bit >> 3]! ^= 0x80 >> (bit & 7);
          const code = outcome(conversation, packet);
          expect(conversation.texts()).toEqual(['before']);
          expect(conversation.side.rekeys).toEqual([]);
          if (waits && code === null) continue;
          expect(code).toBe('ERR_POOL_AUTH_FAILED');
          expect(conversation.side.session.hasOutput).toBe(false);
        }
        reached('T1', tried);
      },
    );
  });

  describe('a packet', () => {
    it.each(PACKETS)('%s truncated at any length is waited for, never acted on', (_, type, flags, plaintext) => {
      const { conversation, packet } = tapped(type, flags, plaintext);
      for (let at = 0; at < packet.length - 1; at++) {
        conversation.side.session.receive(packet.slice(at, at + 1));
        conversation.side.pump(conversation.now);
        expect([conversation.texts(), conversation.side.ended, conversation.side.session.hasOutput]).toEqual([
          ['before'],
          null,
          false,
        ]);
      }
      conversation.side.session.receiveEnd();
      conversation.side.pump(conversation.now);
      expect(conversation.side.code).toBe('ERR_POOL_PEER_LOST');
    });

    it.each(PACKETS)('%s under any other type fails like any other change', (_, type, flags, plaintext) => {
      for (let other = 0; other < 16; other++) {
        if (other === type) continue;
        const { conversation, packet } = tapped(type, flags, plaintext);
        packet[0] = 0x10 | other;
        expect(outcome(conversation, packet)).toBe('ERR_POOL_AUTH_FAILED');
        expect(conversation.texts()).toEqual(['before']);
      }
    });
  });

  describe.each(Object.keys(OPS))('an attacker that can %s', (name) => {
    it('gets a prefix delivered, then one typed error', { timeout: timeout('T3') }, () => {
      const random = seeded(name);
      const rounds = Math.ceil(tries('T3') / CRYPTOGRAPHIES.length / Object.keys(OPS).length);
      for (let round = 0; round < rounds; round++) {
        const pair = new Pair();
        const sent: string[] = [];
        const packets: Uint8Array[] = [];
        const backwards: Uint8Array[] = [];
        const output = (side: Side): Uint8Array => new Uint8Array(Buffer.concat(side.session.takeOutput()));
        for (let i = 0; i < 12; i++) {
          const text = `${round}/${i}`;
          sent.push(text);
          pair.client.session.sendMessage(i, bytes(text), pair.now);
          packets.push(output(pair.client));
          pair.server.session.sendMessage(i, bytes(`back ${text}`), pair.now);
          backwards.push(output(pair.server));
        }
        const at = 1 + random.int(10);
        OPS[name]!(packets, at, backwards);
        for (const packet of packets) {
          pair.server.session.receive(packet);
          pair.server.pump(pair.now);
        }
        const got = pair.server.messages.map(({ data }) => Buffer.from(data).toString());
        expect(got).toEqual(sent.slice(0, got.length));
        expect(got.length).toBeLessThan(sent.length);
        expect(pair.server.ended).toBeInstanceOf(PoolError);
        expect(['ERR_POOL_AUTH_FAILED', 'ERR_POOL_PROTOCOL']).toContain(pair.server.code);
      }
      reached('T3', rounds);
    });
  });

  describe('a packet of our own', () => {
    it('that comes back is refused in every position, also where its number would be the next', () => {
      const pair = new Pair();
      pair.client.session.sendMessage(0, bytes('mine'), pair.now);
      const own = new Uint8Array(Buffer.concat(pair.client.session.takeOutput()));
      pair.client.session.receive(own);
      pair.client.pump(pair.now);
      expect(pair.client.code).toBe('ERR_POOL_PROTOCOL');
      expect(pair.client.messages).toEqual([]);
    });
  });

  describe('errors', () => {
    it('name no key, and look the same for a wrong HMAC and a wrong tag', () => {
      const messages = new Set<string>();
      for (const fault of ['hmac', 'tag']) {
        const { conversation, packet } = tapped(PacketType.Data, Flag.RequireAck, bytes('payload'));
        packet[packet.length - 1]! ^= 1;
        if (fault === 'tag') {
          packet.fill(0, 48, 80);
          packet.set(mac(conversation.module.keys!, packet), 48);
        }
        expect(outcome(conversation, packet)).toBe('ERR_POOL_AUTH_FAILED');
        messages.add((conversation.side.ended as PoolError).message);
      }
      expect(messages.size).toBe(1);
    });
  });
});

describe('made-up packets that pass for authentic', () => {
  const STATES = new Set(['ESTABLISHED', 'REKEYING', 'CLOSING']);

  it('never crash a session, whatever they carry: only typed errors, a state of the table, bounded output', {
    timeout: timeout('F3'),
  }, () => {
    const random = seeded('post-auth fuzz');
    const counts = new Map<string, number>();
    const wanted = tries('F3');
    let sent = 0;
    while (sent < wanted) {
      const pair = new Pair({ crypto: nullCrypto, difficulty: 0, clientLimits: { rekeyPackets: 40 } });
      const { client } = pair;
      client.pump(pair.now);
      let seq = (1n << 62n) + (1n << 40n) + 2n;
      if (random.int(8) === 0) client.session.close(pair.now);
      for (let i = 0; i < 12 && client.ended === null; i++) {
        const plaintext = payload(random.int(16));
        const size = plaintext.length === 0 ? 0 : plaintext.length + 16;
        const packet = new Uint8Array(80 + size);
        const type = random.int(16);
        const flags = random.int(4) === 0 ? random.int(1 << 16) : 1 | (random.int(64) << 3);
        writeHeader(packet, 0, {
          type: random.int(3) === 0 ? PacketType.Data : type,
          flags,
          seq: seq++,
          ack: BigInt(random.int(1 << 30)),
          sessionId: client.session.id,
          timestamp: 0n,
          payloadLength: size,
          channel: random.int(256),
        });
        packet.set(plaintext, 80);
        client.session.receive(packet);
        client.pump(pair.now);
        sent++;
        if (random.int(5) === 0) client.session.handleTimeout((pair.now += BigInt(random.int(6)) * 1_000_000_000n));
        // A million times: `expect` takes longer than what it looks at.
        const output = client.session.takeOutput().reduce((sum, { length }) => sum + length, 0);
        if (output >= 4_000) expect.unreachable(`${output} bytes of output`);
      }
      if (!STATES.has(client.session.state)) expect.unreachable(`the state is ${client.session.state}`);
      counts.set(String(client.code), (counts.get(String(client.code)) ?? 0) + 1);
    }
    // The inputs reach both ways out and the way on.
    for (const code of ['ERR_POOL_PROTOCOL', 'closed', 'null']) expect(counts.get(code) ?? 0).toBeGreaterThan(0);
    expect(counts.get('ERR_POOL_AUTH_FAILED')).toBeUndefined();
    reached('F3', sent);

    function payload(kind: number): Uint8Array {
      if (kind < 3) return new Uint8Array(0);
      if (kind < 6)
        return writeFragment(
          { messageId: random.int(3), offset: random.int(8), total: random.int(12) },
          random.bytes(random.int(8)),
        );
      if (kind < 8) return random.bytes(32);
      if (kind < 10) return random.bytes(44);
      return random.bytes(random.int(200));
    }
  });
});
