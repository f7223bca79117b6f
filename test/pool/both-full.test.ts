/** Both directions full, and channels of which one is not read: who is read moves on, in any order of reads and writes. */
import { describe, expect, it } from 'vitest';
import type { Flow } from '../../src/index.js';
import { pipe } from '../../src/testing/index.js';
import { seeded } from '../poolnode/protocol/seeded.js';
import { reached, timeout, tries } from '../reliability/figures.js';

const CHANNELS = [1, 2, 3, 4];
const narrow = { readQueueBytes: 64, writeQueueBytes: 64, wireBytes: 64, channels: CHANNELS };

describe('two ends that both write', () => {
  it('come to an end whatever the order of reads and writes, as long as both read', {
    timeout: timeout('B2'),
  }, async () => {
    const random = seeded('both full');
    const steps = tries('B2');
    const ends = pipe(narrow);
    const flows = await Promise.all(
      ends.map(
        async (end): Promise<Flow[]> => [end, ...(await Promise.all(CHANNELS.map((one) => end.openChannel(one))))],
      ),
    );
    const sent = flows.map((side) => side.map(() => 0));
    const got = flows.map((side) => side.map(() => 0));
    const calls: Promise<unknown>[] = [];
    // Each reader takes its messages one by one, in a loop of its own: what is full on one side may not stop the other.
    const readers = flows.flatMap((side, who) =>
      side.map(async (flow, which) => {
        for await (const message of flow) {
          expect(message[0]).toBe(got[who]![which]! % 251);
          got[who]![which]! += 1;
          for (let turns = message[1]! % 3; turns > 0; turns--) await new Promise((next) => setImmediate(next));
        }
      }),
    );
    for (let step = 0; step < steps; step++) {
      const [who, which] = [random.int(2), random.int(CHANNELS.length + 1)];
      const message = random.bytes(2 + random.int(40));
      message[0] = sent[who]![which]! % 251;
      sent[who]![which]! += 1;
      calls.push(flows[who]![which]!.writeMessage(message));
      if (calls.length >= 32) await Promise.all(calls.splice(0));
    }
    await Promise.all(calls);
    await expect.poll(() => [got[1], got[0]], { timeout: 30_000 }).toEqual(sent);
    for (const end of ends) await end.close();
    await Promise.all(readers);
    reached('B2', steps);
  });

  it('where one of many channels is not read: its sender waits, and whoever comes behind it, until it is', async () => {
    const [a, b] = pipe(narrow);
    const [unread, other] = await Promise.all([1, 2].map((one) => b.openChannel(one)));
    const [first, second] = await Promise.all([1, 2].map((one) => a.openChannel(one)));
    let filled = false;
    const filling = first!
      .writeMessages(Array.from({ length: 100 }, () => new Uint8Array(40)))
      .then(() => (filled = true));
    for (let turn = 0; turn < 50; turn++) await new Promise((next) => setImmediate(next));
    expect(filled).toBe(false);
    const behind = second!.writeMessage('behind it');
    const reading = other!.readMessage();
    for (let left = 100; left > 0; left--) expect((await unread!.readMessage())!.length).toBe(40);
    await Promise.all([filling, behind]);
    expect(Buffer.from((await reading)!).toString()).toBe('behind it');
    a.destroy();
  });
});
