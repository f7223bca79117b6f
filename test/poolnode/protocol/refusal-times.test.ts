/**
 * How long a listener takes to refuse a handshake, and what it sends, tells nothing of what was wrong with it. On a busy machine
 * the test sees less, and never too much: both kinds are measured in one random order.
 */
import { describe, expect, it } from 'vitest';
import { nodeCrypto } from '../../../src/poolnode/crypto/node-crypto.js';
import { DiallerExchange } from '../../../src/poolnode/protocol/authentication/dialler-exchange.js';
import { bindExchange } from '../../../src/poolnode/protocol/authentication/keys.js';
import { ListenerExchange } from '../../../src/poolnode/protocol/authentication/listener-exchange.js';
import type { Crypto } from '../../../src/poolnode/protocol/types.js';
import { generator } from '../../generator.js';
import { reached, timeout, tries } from '../../reliability/figures.js';
import { compareTimes, type Compared, refusalTime, SAME_BELOW } from '../../reliability/welch.js';
import { testSeed } from '../../random.js';
import { preSharedKey } from './authentication/credentials.js';
import { handshakes, SECOND, take } from './pair.js';
import { ScriptedModule } from './scripted-module.js';

const NOW = 5n * SECOND;
const SOLUTION = 20;
const PROOF = 32;

/** Time of the refusal of a RESPONSE whose payload is changed at this byte; null where the change did no harm. */
function responseRefused(crypto: Crypto, at: number): number | null {
  const { server } = handshakes({ difficulty: 8, crypto });
  const module = new ScriptedModule(() => 1n << 61n);
  module.init();
  server.receive(module.take());
  server.advance(NOW);
  module.response(take(server), undefined, (payload) => void (payload[at]! ^= 0xff));
  server.receive(module.take());
  let time: number;
  try {
    time = refusalTime(() => server.advance(NOW));
  } catch {
    return null; // one in 256 solutions is another solution
  }
  if (server.takeOutput().length > 0) throw new Error('a refusal sends nothing');
  return time;
}

const secret = new Uint8Array(32).fill(7);
const keyWrongAt = (at: number) => preSharedKey(secret.map((byte, index) => (index === at ? byte ^ 1 : byte)));
const [right, wrongFirst, wrongLast] = [preSharedKey(secret), keyWrongAt(0), keyWrongAt(31)];

/** Time of the refusal of a proof under another pre-shared key. */
function proofRefused(crypto: Crypto, key: typeof right): number {
  const z = crypto.randomBytes(32);
  const bind = () => bindExchange(crypto, z, new Uint8Array(144), new Uint8Array(178));
  const listener = new ListenerExchange(crypto, { mode: 'psk', keys: [right], self: new Uint8Array(32) }, bind());
  const dialler = new DiallerExchange(crypto, { mode: 'psk', key, self: new Uint8Array(32).fill(1) }, bind());
  dialler.receive(listener.takeMessage()!);
  const proof = dialler.takeMessage()!;
  return refusalTime(() => listener.receive(proof));
}

const COMPARED: readonly (readonly [what: string, measure: (crypto: Crypto, which: 0 | 1) => number | null])[] = [
  ['the solution or the proof of RESPONSE', (crypto, which) => responseRefused(crypto, which === 0 ? SOLUTION : PROOF)],
  ['the first or the last byte of the proof', (crypto, which) => responseRefused(crypto, which === 0 ? PROOF : 63)],
  [
    'the first or the last byte of a pre-shared key',
    (crypto, which) => proofRefused(crypto, which === 0 ? wrongFirst : wrongLast),
  ],
];

/** As careless code compares: it stops at the first byte that differs, and each takes its time. */
const careless: Crypto = {
  ...nodeCrypto(),
  equal: (a, b) => a.every((byte, index) => byte === b[index] && busy(20_000)),
};

function busy(ns: number): boolean {
  const until = process.hrtime.bigint() + BigInt(ns);
  while (process.hrtime.bigint() < until);
  return true;
}

function compare(crypto: Crypto, count: number, measure: (typeof COMPARED)[number][1]): Compared {
  const random = generator(testSeed('order of refusals'));
  for (let warm = 0; warm < 60; warm++) measure(crypto, warm % 2 === 0 ? 0 : 1);
  return compareTimes(count, random, (which) => measure(crypto, which));
}

describe('the time of a refusal', () => {
  it.each(COMPARED)('is the same whether %s is wrong', { timeout: timeout('S1', 60_000) }, (_, measure) => {
    const count = Math.ceil(tries('S1') / COMPARED.length);
    const { t, means } = compare(nodeCrypto(), count, measure);
    console.info(`t = ${t.toFixed(2)}, ${means.map((mean) => `${(mean / 1000).toFixed(1)} µs`).join(' and ')}`);
    expect(Math.abs(t)).toBeLessThan(SAME_BELOW);
    reached('S1', count);
  });

  it('is not, to this test, where the comparison stops at the first byte that differs', () => {
    // Of the proof a wrong last byte takes 31 bytes longer than a wrong first one; on a machine that is busy enough it takes some
    // more pairs to see that.
    let t = 0;
    for (let count = 100; count <= 1_600 && t > -SAME_BELOW; count *= 2)
      ({ t } = compare(careless, count, COMPARED[1]![1]));
    expect(t).toBeLessThan(-SAME_BELOW);
  });
});
