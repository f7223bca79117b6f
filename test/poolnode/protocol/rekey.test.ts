import { describe, expect, it } from 'vitest';
import { LIMITS, PacketType } from '../../../src/poolnode/protocol/constants.js';
import { nodeCrypto } from '../../../src/poolnode/crypto/node-crypto.js';
import type { Crypto } from '../../../src/poolnode/protocol/types.js';
import { reached, timeout, tries } from '../../reliability/figures.js';
import { WithModule } from './established.js';
import { concat, Pair, SECOND, type Side } from './pair.js';
import { changed } from './sealing.js';
import { seeded } from './seeded.js';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const texts = (side: Side): string[] => side.messages.map(({ data }) => Buffer.from(data).toString());
const NEVER = { rekeyIntervalNs: 1n << 62n, rekeyPackets: Number.MAX_SAFE_INTEGER };
const out = (side: Side): Uint8Array => concat(side.session.takeOutput());

/** A pair in which only packets count, and only those of the client's limit. */
function counted(rekeyPackets: number): Pair {
  return new Pair({ clientLimits: { ...NEVER, rekeyPackets }, serverLimits: NEVER });
}

describe('REKEY between two of pool-ts', () => {
  it('starts after 50 minutes and then after 50 more, of whoever was established first', () => {
    const pair = new Pair();
    pair.run(49n * 60n * SECOND);
    expect([pair.client.rekeys, pair.server.rekeys]).toEqual([[], []]);
    pair.run(2n * 60n * SECOND);
    expect([pair.client.rekeys, pair.server.rekeys]).toEqual([[1], [1]]);
    pair.run(50n * 60n * SECOND);
    expect([pair.client.rekeys, pair.server.rekeys]).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(pair.client.session.telemetry(pair.now, 0).rekeyCount).toBe(2);
    expect([pair.client.session.state, pair.server.session.state]).toEqual(['ESTABLISHED', 'ESTABLISHED']);
  });

  it('starts by the number of packets, and counts them anew', () => {
    const pair = counted(20);
    for (let i = 0; i < 40; i++) {
      pair.client.session.sendMessage(0, bytes(`${i}`), pair.now);
      pair.server.session.sendMessage(0, bytes('heard'), pair.now);
      pair.settle();
    }
    expect(pair.client.rekeys).toEqual([1, 2, 3, 4]);
    expect(pair.server.rekeys).toEqual([1, 2, 3, 4]);
    expect(pair.client.session.counters.packetsSinceRekey).toBeLessThan(20);
    expect(texts(pair.server)).toEqual(Array.from({ length: 40 }, (_, i) => `${i}`));
  });

  it('is answered as often as a well-behaved peer could want it, and no more: each costs more than the packet does', () => {
    const chatter = (pair: Pair, rekeys: number, pause: bigint): void => {
      for (let i = 0; i < 20 * rekeys && pair.server.ended === null; i++) {
        pair.client.session.sendMessage(0, bytes('x'), pair.now);
        pair.settle();
        if (pair.server.ended === null) pair.server.session.sendMessage(0, bytes('y'), pair.now);
        pair.settle();
        pair.run(pause);
      }
    };
    const patient = counted(8);
    chatter(patient, 60, SECOND);
    expect(patient.server.ended).toBeNull();
    expect(patient.server.rekeys.length).toBeGreaterThan(2 * LIMITS.rekeysBurst);

    const hasty = counted(8);
    chatter(hasty, 60, 0n);
    expect(hasty.server.rekeys).toHaveLength(LIMITS.rekeysBurst);
    expect(hasty.server.code).toBe('ERR_POOL_PROTOCOL');
    expect(String(hasty.server.ended)).toContain('REKEY came too often');
  });

  it('from one end, with packets of both in flight under all kinds of keys', () => {
    // The handshake's four packets count as well.
    const pair = counted(8);
    const { client, server } = pair;
    for (let i = 0; i < 3; i++) client.session.sendMessage(0, bytes(`old ${i}`), pair.now);
    expect(client.session.state).toBe('ESTABLISHED');
    client.session.sendMessage(0, bytes('old 3'), pair.now);
    client.session.sendMessage(0, bytes('half 1'), pair.now);
    expect(client.session.state).toBe('REKEYING');
    server.session.sendMessage(0, bytes('old'), pair.now);
    const toServer = out(client);
    const toClient = out(server);
    server.session.receive(toServer);
    server.pump(pair.now);
    server.session.sendMessage(0, bytes('new'), pair.now);
    client.session.receive(toClient);
    client.pump(pair.now);
    client.session.sendMessage(0, bytes('half 2'), pair.now);
    pair.settle();
    expect(texts(server)).toEqual(['old 0', 'old 1', 'old 2', 'old 3', 'half 1', 'half 2']);
    expect(texts(client)).toEqual(['old', 'new']);
    expect([client.rekeys, server.rekeys]).toEqual([[1], [1]]);
    expect([client.session.state, client.ended, server.ended]).toEqual(['ESTABLISHED', null, null]);
  });

  it('from both ends at once', () => {
    const pair = new Pair();
    const { client, server } = pair;
    pair.now += 3_000n * SECOND;
    for (const side of [client, server]) {
      side.session.handleTimeout(pair.now);
      expect(side.session.state).toBe('REKEYING');
      side.session.sendMessage(0, bytes('crossing'), pair.now);
    }
    pair.settle();
    for (const side of [client, server]) side.session.sendMessage(0, bytes('after'), pair.now);
    pair.settle();
    for (const side of [client, server]) {
      expect(texts(side)).toEqual(['crossing', 'after']);
      expect(side.rekeys).toEqual([1]);
      expect([side.ended, side.session.state]).toEqual([null, 'ESTABLISHED']);
    }
  });

  it.each([3, 4, 7])(
    'every %i packets from both ends, full duplex, with any delay: nothing lost or doubled',
    { timeout: timeout('T6') },
    (limit) => {
      const steps = Math.ceil(tries('T6') / 3);
      const random = seeded(`rekey storm, ${limit}`);
      const limits = { ...NEVER, rekeyPackets: limit };
      const pair = new Pair({ clientLimits: limits, serverLimits: limits });
      const sides = [pair.client, pair.server] as const;
      const flying: [Uint8Array[], Uint8Array[]] = [[], []];
      const sent: [string[], string[]] = [[], []];
      for (let step = 0; step < steps; step++) {
        const who = random.int(2) as 0 | 1;
        const [from, to] = [sides[who], sides[1 - who]!];
        if (random.int(2) === 0) {
          const text = `${who} ${step}`;
          from.session.sendMessage(0, bytes(text), pair.now);
          sent[who].push(text);
        }
        const output = out(from);
        // Cut anywhere, and left in flight for a while.
        const cut = random.int(output.length + 1);
        flying[who].push(output.slice(0, cut), output.slice(cut));
        while (flying[who].length > 0 && random.int(3) > 0) to.session.receive(flying[who].shift()!);
        to.pump(pair.now);
      }
      for (let i = 0; i < 50; i++) {
        for (const who of [0, 1] as const) {
          flying[who].push(out(sides[who]));
          for (const chunk of flying[who].splice(0)) sides[1 - who]!.session.receive(chunk);
          sides[1 - who]!.pump(pair.now);
        }
      }
      expect([pair.client.ended, pair.server.ended]).toEqual([null, null]);
      expect(texts(pair.server)).toEqual(sent[0]);
      expect(texts(pair.client)).toEqual(sent[1]);
      // How many there are is the seed's: a REKEY waits for packets that may stay in flight for long.
      expect(pair.client.rekeys.length).toBeGreaterThan(0);
      expect(Math.abs(pair.client.rekeys.length - pair.server.rekeys.length)).toBeLessThanOrEqual(1);
      reached('T6', steps);
    },
  );

  it('uses no nonce twice under a key, through any number of REKEYs', { timeout: timeout('T5') }, () => {
    const seen = new Set<string>();
    let doubled = 0;
    let sealed = 0;
    const real = nodeCrypto();
    const noting: Crypto = {
      ...real,
      packetCrypto: (sessionKey, hmacKey) => {
        const name = Buffer.from(sessionKey).toString('hex');
        const keys = real.packetCrypto(sessionKey, hmacKey);
        return changed(keys, {
          seal: (nonce, plaintext, out, at) => {
            const use = `${name}/${Buffer.from(nonce).toString('hex')}`;
            sealed++;
            if (seen.has(use)) doubled++;
            seen.add(use);
            keys.seal(nonce, plaintext, out, at);
          },
        });
      },
    };
    const limits = { ...NEVER, rekeyPackets: 5 };
    const pair = new Pair({ crypto: noting, clientLimits: limits, serverLimits: limits });
    const packets = tries('T5');
    while (sealed < packets) {
      pair.client.session.sendMessage(0, bytes('c'), pair.now);
      pair.server.session.sendMessage(0, bytes('s'), pair.now);
      pair.settle();
    }
    expect(pair.client.rekeys.length).toBeGreaterThan(10);
    expect(seen.size).toBeGreaterThan(200);
    expect(doubled).toBe(0);
    reached('T5', sealed);
  });

  it('keeps old keys as long as a peer that does not read yet needs them, also beyond 20 s', () => {
    const pair = new Pair({ clientLimits: { ...NEVER, rekeyIntervalNs: SECOND }, serverLimits: NEVER });
    const { client, server } = pair;
    pair.settle();
    // The server reads nothing for a minute, but its HEARTBEATs go on under the old keys.
    server.session.pauseReading(pair.now);
    const held: Uint8Array[] = [];
    client.tap = (stream) => {
      held.push(stream);
      return [];
    };
    pair.run(60n * SECOND);
    expect([client.session.state, client.ended]).toEqual(['REKEYING', null]);
    client.tap = (stream) => [stream];
    server.session.resumeReading(pair.now);
    for (const chunk of held) server.session.receive(chunk);
    server.session.sendMessage(0, bytes('awake'), pair.now);
    pair.settle();
    expect(texts(client)).toEqual(['awake']);
    expect([client.ended, server.ended, client.session.state]).toEqual([null, null, 'ESTABLISHED']);
  });
});

describe('old keys', () => {
  it('stay 20 s where a module never sends a REKEY of its own, and are gone then', () => {
    const conversation = new WithModule('client', { ...NEVER, rekeyIntervalNs: SECOND });
    const { session } = conversation.side;
    conversation.now += SECOND;
    session.handleTimeout(conversation.now);
    expect(session.state).toBe('REKEYING');
    const oldKeys = conversation.module.keys!;
    conversation.toModule();
    const newKeys = conversation.module.keys!;
    expect(newKeys).not.toBe(oldKeys);
    conversation.module.data('under new keys');
    conversation.toSession();
    expect([session.state, conversation.side.rekeys]).toEqual(['ESTABLISHED', [1]]);
    conversation.now += 21n * SECOND;
    session.handleTimeout(conversation.now);
    conversation.now += SECOND;
    session.handleTimeout(conversation.now);
    conversation.settle();
    conversation.module.data('still');
    conversation.toSession();
    expect(conversation.texts()).toEqual(['under new keys', 'still']);
    conversation.module.keys = oldKeys;
    conversation.module.data('under keys long gone');
    conversation.toSession();
    expect(conversation.side.code).toBe('ERR_POOL_AUTH_FAILED');
  });
});

describe.each(['client', 'server'] as const)('REKEY with a module, as its %s', (role) => {
  it('that initiates: answered by a REKEY under the old keys, then K(new, new)', () => {
    const conversation = new WithModule(role, NEVER);
    conversation.module.data('before');
    conversation.module.startRekey();
    conversation.module.data('still under old keys');
    conversation.toSession();
    conversation.say('first under new keys');
    conversation.toModule();
    expect(conversation.module.received[0]).toMatchObject({ type: PacketType.Rekey, flags: 1 });
    expect(conversation.module.received[0]!.plaintext.length).toBe(32);
    expect(conversation.moduleTexts()).toEqual(['first under new keys']);
    // From a new base, which the module draws with its keys.
    conversation.module.data('after');
    conversation.module.data('and on');
    conversation.settle();
    expect(conversation.texts()).toEqual(['before', 'still under old keys', 'after', 'and on']);
    expect([conversation.side.rekeys, conversation.side.ended]).toEqual([[1], null]);
    conversation.module.startRekey();
    conversation.settle();
    conversation.say('twice');
    conversation.settle();
    expect(conversation.side.rekeys).toEqual([1, 2]);
    expect(conversation.moduleTexts()).toEqual(['first under new keys', 'twice']);
  });

  it('that responds: it derives at once, sends no REKEY, and jumps to a new base', () => {
    const conversation = new WithModule(role, { ...NEVER, rekeyPackets: 8 });
    for (let i = 0; i < 20; i++) {
      conversation.say(`there ${i}`);
      conversation.module.data(`back ${i}`);
      conversation.settle();
    }
    expect(conversation.moduleTexts()).toEqual(Array.from({ length: 20 }, (_, i) => `there ${i}`));
    expect(conversation.texts()).toEqual(Array.from({ length: 20 }, (_, i) => `back ${i}`));
    expect([conversation.side.rekeys, conversation.side.ended]).toEqual([[1], null]);
    // The next one waits until the old keys are dropped, 20 s after their last packet.
    conversation.now += 21n * SECOND;
    for (let i = 0; i < 3; i++) {
      conversation.side.session.handleTimeout(conversation.now);
      conversation.now += SECOND;
    }
    conversation.say('again');
    conversation.settle();
    conversation.module.data('yes');
    conversation.settle();
    expect([conversation.side.rekeys, conversation.side.ended]).toEqual([[1, 2], null]);
  });

  it('that responds while packets of it are in flight, jumping a packet early or late', () => {
    for (const jump of ['early', 'with', 'late'] as const) {
      const conversation = new WithModule(role, { ...NEVER, rekeyIntervalNs: SECOND });
      const { module, side } = conversation;
      conversation.now += SECOND;
      side.session.handleTimeout(conversation.now);
      conversation.say('under half-new keys');
      module.data('in flight');
      if (jump === 'early') {
        module.rebase();
        module.data('already from the new base');
        module.nextBase();
      }
      if (jump === 'late') module.lateJump = 1;
      const inFlight = module.take();
      const rekeyed = concat(side.session.takeOutput());
      if (jump === 'early') {
        // It has jumped already, so deriving must not draw once more.
        const rebase = module.rebase.bind(module);
        module.rebase = () => undefined;
        module.receive(rekeyed);
        module.rebase = rebase;
      } else module.receive(rekeyed);
      module.data('new 1');
      module.data('new 2');
      module.data('new 3');
      side.session.receive(inFlight);
      conversation.settle();
      expect(side.ended).toBeNull();
      const early = jump === 'early' ? ['already from the new base'] : [];
      expect(conversation.texts()).toEqual(['in flight', ...early, 'new 1', 'new 2', 'new 3']);
      expect(conversation.moduleTexts()).toEqual(['under half-new keys']);
    }
  });

  it('that starts one of its own after answering ours within 20 s', () => {
    const conversation = new WithModule(role, { ...NEVER, rekeyIntervalNs: SECOND });
    conversation.now += SECOND;
    conversation.side.session.handleTimeout(conversation.now);
    conversation.settle();
    conversation.module.data('answered');
    conversation.settle();
    conversation.module.startRekey();
    conversation.settle();
    expect(conversation.module.rekeying).toBe(false);
    conversation.say('to the end');
    conversation.module.data('from the end');
    conversation.settle();
    expect(conversation.moduleTexts()).toEqual(['to the end']);
    expect(conversation.texts()).toEqual(['answered', 'from the end']);
    expect(conversation.side.rekeys).toEqual([1, 2]);
  });

  it('whose REKEY crosses ours is taken as the answer', () => {
    const conversation = new WithModule(role, { ...NEVER, rekeyIntervalNs: SECOND });
    conversation.module.startRekey();
    const crossing = conversation.module.take();
    conversation.now += SECOND;
    conversation.side.session.handleTimeout(conversation.now);
    conversation.side.session.receive(crossing);
    conversation.settle();
    expect(conversation.module.rekeying).toBe(false);
    conversation.say('to');
    conversation.module.data('fro');
    conversation.settle();
    expect([conversation.moduleTexts(), conversation.texts()]).toEqual([['to'], ['fro']]);
    expect(conversation.side.rekeys).toEqual([1]);
  });
});
