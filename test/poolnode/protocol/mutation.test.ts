/** Streams of real packets that were changed on the way, several times each: what comes through was sent, and in its order. */
import { expect, it } from 'vitest';
import { PoolError } from '../../../src/base/errors.js';
import { seededCrypto } from '../../random.js';
import { reached, timeout, tries } from '../../reliability/figures.js';
import { concat, Pair, SECOND } from './pair.js';
import { type Seeded, seeded } from './seeded.js';

/** Messages of one stream; a REKEY and a HEARTBEAT are among them. */
const MESSAGES = 6;

const MUTATIONS: readonly ((bytes: Uint8Array, random: Seeded) => Uint8Array)[] = [
  (bytes, random) => {
    bytes[random.int(bytes.length)]! ^= 1 << random.int(8);
    return bytes;
  },
  (bytes, random) => {
    bytes[random.int(bytes.length)] = random.int(256);
    return bytes;
  },
  (bytes, random) => {
    const at = random.int(bytes.length);
    return concat([bytes.subarray(0, at), random.bytes(1 + random.int(90)), bytes.subarray(at)]);
  },
  (bytes, random) => {
    const at = random.int(bytes.length);
    return concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.int(90))]);
  },
  (bytes, random) => {
    const [from, to] = [random.int(bytes.length), random.int(bytes.length)];
    return concat([bytes.subarray(0, to), bytes.subarray(from, from + random.int(200)), bytes.subarray(to)]);
  },
];

it('a changed stream delivers nothing that was not sent', { timeout: timeout('F4') }, () => {
  const random = seeded('mutated streams');
  const streams = tries('F4');
  const codes = new Map<string, number>();
  const crypto = seededCrypto(undefined, 8);
  for (let stream = 0; stream < streams; stream++) {
    const pair = new Pair({ crypto, difficulty: 0, clientLimits: { rekeyPackets: 4 } });
    const sent: string[] = [];
    for (let i = 0; i < MESSAGES; i++) {
      const text = `${i} `.repeat(1 + random.int(40));
      sent.push(text);
      pair.client.session.sendMessage(random.int(256), new Uint8Array(Buffer.from(text)), pair.now);
      if (i === 2) pair.client.session.handleTimeout((pair.now += 6n * SECOND));
    }
    const original = concat(pair.client.session.takeOutput());
    let changed: Uint8Array = original.slice();
    for (let times = 1 + random.int(3); times > 0; times--) {
      changed = MUTATIONS[random.int(MUTATIONS.length)]!(changed, random);
    }
    for (let at = 0; at < changed.length; ) {
      const size = 1 + random.int(400);
      pair.server.session.receive(changed.slice(at, at + size));
      pair.server.pump(pair.now);
      at += size;
    }
    pair.server.session.receiveEnd();
    pair.server.pump(pair.now);
    const got = pair.server.messages.map(({ data }) => Buffer.from(data).toString());
    if (got.join('|') !== sent.slice(0, got.length).join('|')) expect(got).toEqual(sent.slice(0, got.length));
    // Where two changes undo each other, the stream is whole, and so is what came of it.
    if (got.length === sent.length && Buffer.compare(changed.subarray(0, original.length), original) !== 0) {
      const firstChange = changed.findIndex((byte, at) => byte !== original[at]);
      expect(firstChange).toBe('behind the last message');
    }
    expect(pair.server.ended).toBeInstanceOf(PoolError);
    codes.set(pair.server.code!, (codes.get(pair.server.code!) ?? 0) + 1);
  }
  // A packet that is changed, and one that never becomes whole. (One that is whole and doubled takes a rare change.)
  const usual = ['ERR_POOL_AUTH_FAILED', 'ERR_POOL_PEER_LOST'];
  expect([...codes.keys()]).toEqual(expect.arrayContaining(usual));
  expect([...codes.keys()].filter((code) => ![...usual, 'ERR_POOL_PROTOCOL'].includes(code))).toEqual([]);
  reached('F4', streams);
});
