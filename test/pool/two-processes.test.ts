/** Two processes, eight channels, both ways, as fast as it goes: POOL_TEST_MESSAGES asks for more than fits every run. */
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
