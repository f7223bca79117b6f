/** Messages one way, as fast as they go: shared by the cases that differ in size and in whom they are compared with. */
import type { CaseOptions, Row } from './case.js';
import { alternate, median, type Pair, withPairs } from './pair.js';
import type { Order } from './transport.js';

export interface Rival {
  name: string;
  goal: number;
  beyond: number;
}

/** A dial runs much code once: so many of them before it is compiled as that of a listener which has run for a minute. */
const WARMING_DIALS = 2_000;

/** How many messages a round takes, found by rounds that also warm up code, heap and sockets. */
export async function messagesOf(pair: Pair, order: Order, seconds: number): Promise<number> {
  if (order.kind === 'dials') await pair.order({ ...order, messages: WARMING_DIALS });
  // A dial takes as long as a thousand short messages.
  let messages = order.kind === 'dials' ? 20 : Math.max(10, Math.ceil(4e6 / order.size));
  for (let round = 0; round < 4; round++) {
    const { seconds: took } = await pair.order({ ...order, messages });
    messages = Math.max(1, Math.ceil((messages * seconds) / took[0]!));
  }
  return messages;
}

/** Rows of `ours` against each rival: messages a second. */
export async function throughput(
  work: string,
  order: Order,
  ours: string,
  rivals: readonly Rival[],
  { rounds, seconds }: CaseOptions,
): Promise<Row[]> {
  const names = [ours, ...rivals.map(({ name }) => name)];
  return withPairs(names, async (pairs) => {
    const counts: Record<string, number> = {};
    for (const name of names) counts[name] = await messagesOf(pairs[name]!, order, seconds);
    const results = await alternate(names, rounds, async (name) => {
      const messages = counts[name]!;
      const { seconds: took, cpu } = await pairs[name]!.order({ ...order, messages });
      return { rate: messages / took[0]!, cpu: cpu / messages };
    });
    const rate = (name: string): number => median(results[name]!.map((one) => one.rate));
    const cpu = (name: string): number => median(results[name]!.map((one) => one.cpu));
    return rivals.map(({ name, goal, beyond }) => ({
      work,
      against: name,
      ours: rate(ours),
      theirs: rate(name),
      unit: 'messages/s',
      ratio: rate(ours) / rate(name),
      cpuRatio: cpu(name) / cpu(ours),
      goal,
      beyond,
      better: 'above' as const,
    }));
  });
}
