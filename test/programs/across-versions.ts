// One side of a conversation with another version of pool-ts: which version runs is what the first argument names. Run by
// test/package/previous-version.test.ts.
//   across-versions.ts <URL of an index.ts> serve               prints its port, serves one session, prints what it saw
//   across-versions.ts <URL of an index.ts> dial <host:port>    prints what it saw
import { createHash } from 'node:crypto';
import type * as PoolTs from '../../src/index.js';
import type { Flow } from '../../src/index.js';

const [, , index, role, address] = process.argv as [string, string, string, 'serve' | 'dial', string];
const { dial, listen } = (await import(index)) as typeof PoolTs;

/** Each length at which packets are divided otherwise. */
const LENGTHS = [1, 1303, 1304, 1305, 2608, 16_384, 65_519, 65_520, 65_535];
const CHANNELS = [0, 1, 255];

/** The same on both sides, so that each knows what is to come. */
function contents(from: string, channel: number, length: number): Buffer {
  const block = createHash('sha256').update(`${from} ${channel} ${length}`).digest();
  return Buffer.alloc(length, block);
}

/** Sends all lengths, one by one and at once, and reads the peer's. Returns a digest of what came. */
async function talk(flow: Flow, channel: number): Promise<string> {
  const other = role === 'dial' ? 'serve' : 'dial';
  const seen = createHash('sha256');
  const send = async (): Promise<void> => {
    for (const length of LENGTHS) await flow.writeMessage(contents(role, channel, length));
    await flow.writeMessages(LENGTHS.map((length) => contents(role, channel, length)));
  };
  const receive = async (): Promise<void> => {
    for (const length of [...LENGTHS, ...LENGTHS]) {
      const message = await flow.readMessage();
      if (message === null || !contents(other, channel, length).equals(message))
        throw new Error(`channel ${channel}: not what was sent, ${length} bytes long`);
      seen.update(message);
    }
  };
  await Promise.all([send(), receive()]);
  return seen.digest('hex');
}

const listener = role === 'serve' ? await listen('127.0.0.1:0', { backend: 'user' }) : null;
if (listener !== null) console.log(`port ${listener.addr.port}`);
const conn = listener === null ? await dial(address, { backend: 'user' }) : await listener.accept();
const digests = await Promise.all(
  CHANNELS.map(async (channel) => talk(channel === 0 ? conn : await conn.openChannel(channel), channel)),
);
// The dialler closes; the listener reads to the end.
if (role === 'serve') console.log(`end ${String(await conn.readMessage())}`);
await conn.close();
await listener?.close();
console.log(`came ${digests.join(' ')}`);
