// One of two processes that exchange messages of random sizes on several channels in both directions, and print the
// SHA-256 of what they sent and of what they received, by channel. Run by test/programs/exchange.ts.
//   digest-peer.ts <port, or 0 to listen> <seed> <messages a direction> <channels>
import { createCipheriv, createHash, type Hash } from 'node:crypto';
import { type Channel, type Conn, dial, listen } from '../../src/index.js';
import { generator } from '../generator.js';

/** The longest message of the user backend. */
const MAX_BYTES = 65535;

export interface Report {
  sent: string[];
  received: string[];
  bytesSent: number;
  bytesReceived: number;
}

/** Bytes that look random and are the same for the same seed: the keystream of AES-CTR, at a GB/s and more. */
function keystream(seed: number): (size: number) => Buffer {
  const key = createHash('sha256').update(`contents ${seed}`).digest().subarray(0, 16);
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  const zeros = Buffer.alloc(MAX_BYTES);
  return (size) => cipher.update(zeros.subarray(0, size));
}

/** Bounds count as well as bytes: two messages joined give another digest. */
function add(hash: Hash, message: Uint8Array): void {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(message.length);
  hash.update(size).update(message);
}

async function send(channel: Channel, count: number, seed: number): Promise<{ digest: string; bytes: number }> {
  const hash = createHash('sha256');
  const random = generator(seed);
  const contents = keystream(seed);
  let bytes = 0;
  for (let index = 0; index < count; index += 1) {
    const message = contents(1 + Math.floor(random() * MAX_BYTES));
    add(hash, message);
    bytes += message.length;
    await channel.writeMessage(message);
  }
  return { digest: hash.digest('hex'), bytes };
}

async function receive(channel: Channel, count: number): Promise<{ digest: string; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for (let left = count; left > 0; ) {
    const messages = await channel.readMessages({ max: left });
    if (messages === null) throw new Error(`channel ${channel.channel} ended ${left} messages early`);
    for (const message of messages) {
      add(hash, message);
      bytes += message.length;
    }
    left -= messages.length;
  }
  return { digest: hash.digest('hex'), bytes };
}

const [port = 0, seed = 1, messages = 0, channels = 8] = process.argv.slice(2).map(Number);
const numbers = Array.from({ length: channels }, (_, index) => index + 1);

async function connection(): Promise<Conn> {
  const options = { backend: 'user', channels: numbers } as const;
  if (port !== 0) return dial({ host: '127.0.0.1', port }, options);
  const listener = await listen({ host: '127.0.0.1', port: 0 }, options);
  process.send?.(listener.addr.port);
  const conn = await listener.accept();
  await listener.close();
  return conn;
}

const conn = await connection();
const opened = await Promise.all(numbers.map((number) => conn.openChannel(number)));
const count = (index: number): number => Math.floor(messages / channels) + (index < messages % channels ? 1 : 0);
// Each direction of each channel has a seed of its own.
const own = (index: number): number => seed * 1000 + index * 2 + (port === 0 ? 0 : 1);
const [sent, received] = await Promise.all([
  Promise.all(opened.map((channel, index) => send(channel, count(index), own(index)))),
  Promise.all(opened.map((channel, index) => receive(channel, count(index)))),
]);
if (port === 0) await conn.closed;
await conn.close();

const total = (parts: { bytes: number }[]): number => parts.reduce((sum, part) => sum + part.bytes, 0);
const report: Report = {
  sent: sent.map(({ digest }) => digest),
  received: received.map(({ digest }) => digest),
  bytesSent: total(sent),
  bytesReceived: total(received),
};
process.send?.(report);
process.disconnect();
