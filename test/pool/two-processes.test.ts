/**
 * Two processes, eight channels, both ways. The number of messages is small enough for every run; `npm run soak` runs the
 * same exchange with 100,000 each way, or set POOL_TEST_MESSAGES.
 */
import { expect, test } from 'vitest';
import { exchange } from '../programs/exchange.js';
import { testSeed } from '../random.js';

const messages = Number(process.env.POOL_TEST_MESSAGES ?? 4000);
const seed = testSeed('two processes');

test(`${messages} messages each way on 8 channels have equal digests on both sides (seed ${seed})`, async () => {
  const { server, client } = await exchange({ messages, channels: 8, seed });
  expect(server.received).toEqual(client.sent);
  expect(client.received).toEqual(server.sent);
  expect(new Set([...client.sent, ...server.sent]).size).toBe(16);
  expect(client.bytesSent).toBeGreaterThan(messages);
}, 600_000);
