/**
 * Whether the time that a listener takes to refuse a proof tells how much of the pre-shared key was right: a proof under a key
 * with a wrong first byte against one with a wrong last byte, compared by Welch's t-test.
 *
 *   npx tsx bench/psk-timing.ts [--rounds 20000]
 *
 * It prints t and ends with 1 where it is 4.5 or more, the bound of the TVLA methodology. Give it a machine that does nothing else.
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { nodeCrypto } from '../src/poolnode/crypto/node-crypto.js';
import { DiallerExchange } from '../src/poolnode/protocol/authentication/dialler-exchange.js';
import { bindExchange } from '../src/poolnode/protocol/authentication/keys.js';
import { ListenerExchange } from '../src/poolnode/protocol/authentication/listener-exchange.js';
import { preSharedKey } from '../test/poolnode/protocol/authentication/credentials.js';

const BOUND = 4.5;
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '20000' } } });
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 100) {
  console.error('--rounds is a whole number from 100');
  process.exit(2);
}

const crypto = nodeCrypto();
const secret = Uint8Array.from(randomBytes(32));
const wrongAt = (at: number) => preSharedKey(secret.map((byte, index) => (index === at ? byte ^ 1 : byte)));
const [right, first, last] = [preSharedKey(secret), wrongAt(0), wrongAt(31)];
const self = new Uint8Array(32);

/** Nanoseconds that a refusal takes. */
function refusal(key: typeof right): number {
  const z = Uint8Array.from(randomBytes(32));
  const bind = () => bindExchange(crypto, z, new Uint8Array(144), new Uint8Array(178));
  const listener = new ListenerExchange(crypto, { mode: 'psk', keys: [right], self }, bind());
  const dialler = new DiallerExchange(crypto, { mode: 'psk', key, self: new Uint8Array(32).fill(1) }, bind());
  dialler.receive(listener.takeMessage()!);
  const proof = dialler.takeMessage()!;
  const begun = process.hrtime.bigint();
  try {
    listener.receive(proof);
  } catch {
    return Number(process.hrtime.bigint() - begun);
  }
  throw new Error('a proof under another key was taken');
}

function moments(samples: readonly number[]): { mean: number; variance: number } {
  const mean = samples.reduce((sum, one) => sum + one, 0) / samples.length;
  return { mean, variance: samples.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (samples.length - 1) };
}

/** Without the slowest tenth: what interrupts a process is no answer of its. */
const steady = (samples: number[]): number[] => samples.sort((a, b) => a - b).slice(0, Math.ceil(samples.length * 0.9));

const times: [number[], number[]] = [[], []];
for (let warm = 0; warm < 2000; warm++) refusal(warm % 2 === 0 ? first : last);
for (let round = 0; round < rounds; round++) {
  // In random order, so that nothing that comes in turns counts for one of them.
  const which = randomBytes(1)[0]! & 1;
  times[which]!.push(refusal(which === 0 ? first : last));
}
const [a, b] = times.map((samples) => ({ ...moments(steady(samples)), count: samples.length }));
const t = (a!.mean - b!.mean) / Math.sqrt(a!.variance / a!.count + b!.variance / b!.count);
console.log(
  `wrong first byte: ${a!.mean.toFixed(0)} ns, wrong last byte: ${b!.mean.toFixed(0)} ns, Welch's t = ${t.toFixed(2)}`,
);
process.exitCode = Math.abs(t) < BOUND ? 0 : 1;
