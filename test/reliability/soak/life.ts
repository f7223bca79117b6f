/**
 * The lives of a soak's connections: what each does and how it ends, drawn from the seed and the life's number, so that both
 * ends know it from the number alone and a replay has the same lives. When each of their bytes moves is up to the machine.
 */
import { generator } from '../../generator.js';
import type { NetworkFaults } from '../../../src/testing/index.js';

export type Side = 'client' | 'server';

/** How a life ends: in peace, by one side that destroys it, or by a fault of the network. */
export type Ending = 'close' | 'destroy' | 'resetAt' | 'cutAt' | 'blackholeAt' | 'corrupt';

export interface Life {
  readonly number: number;
  /** Channels on which messages go both ways at once; 0 is among them. */
  readonly channels: readonly number[];
  /** s, if nothing ends it before. */
  readonly seconds: number;
  /** ms between two messages of a direction of a channel, on average. */
  readonly pace: number;
  /** Bytes of most messages, at most; one in twenty is up to a whole message long. */
  readonly usualBytes: number;
  /** Of the reads and writes, the part that is cancelled or timed out if it waits. */
  readonly cancelled: number;
  /** Faults that only slow it down; null without a proxy. */
  readonly network: { readonly upstream: NetworkFaults; readonly downstream: NetworkFaults } | null;
  readonly end: Ending;
  /** Who closes or destroys it; for faults of the network, from whom the bytes come that they hit. */
  readonly by: Side;
  /** When: after this part of its messages. */
  readonly after: number;
  /** Bytes from then on until the fault of the network. */
  readonly offset: number;
}

/** Channels that both sides open from the start. */
export const CHANNELS = [1, 2, 3, 4] as const;

const FAULTS: readonly Ending[] = ['destroy', 'resetAt', 'cutAt', 'blackholeAt', 'corrupt'];

/** @param lasting a life that is as long as a round, and has no end but its close */
export function lifeOf(seed: number, number: number, lasting: boolean): Life {
  const random = generator(seed ^ Math.imul(number + 1, 0x9e3779b1));
  const below = (limit: number): number => Math.floor(random() * limit);
  const chance = (of: number): boolean => random() < of;
  const faulty = !lasting && chance(0.4);
  const slow = (): NetworkFaults => ({
    ...(chance(0.5) && { latency: below(25) }),
    ...(chance(0.3) && { slice: 1 + below(2000) }),
    ...(chance(0.2) && { bandwidth: 200_000 + below(2_000_000) }),
  });
  const network = faulty || chance(0.5) ? { upstream: slow(), downstream: slow() } : null;
  const end = faulty ? FAULTS[below(FAULTS.length)]! : 'close';
  const by = chance(0.5) ? 'client' : 'server';
  return {
    number,
    channels: [0, ...CHANNELS.slice(0, below(CHANNELS.length + 1))],
    seconds: lasting ? Infinity : 0.2 + random() ** 2 * 20,
    pace: 60 + below(300),
    usualBytes: 1 << (4 + below(10)),
    cancelled: chance(0.5) ? 0 : random() * 0.5,
    network,
    end,
    // The proxy is the client's, and goes with it: what the client sent last may still be in there.
    by: network !== null && end === 'close' ? 'server' : by,
    after: random(),
    offset: below(3000),
  };
}
