import { describe, expect, it } from 'vitest';
import { start } from '../../programs/run.js';

const program = `
import { dial, listen } from './src/index.ts';
const listener = await listen('127.0.0.1:0', { maxConnections: 1 });
const [server, client] = await Promise.all([listener.accept(), dial(listener.addr.toString())]);
await client.writeMessage('top secret payload');
await server.readMessage();
await dial(listener.addr.toString()).catch(() => {});
await client.close();
await server.closed;
const { port } = listener.addr;
await listener.close();
await dial('127.0.0.1:' + port).catch(() => {});
`;

const run = async (env: NodeJS.ProcessEnv): Promise<string> => {
  const { ended, output } = start(['--input-type=module', '-e', program], { env });
  expect(await ended).toBe(0);
  expect(output.stdout).toBe('');
  return output.stderr;
};

describe('NODE_DEBUG=pool-ts', () => {
  it('tells of listen, dial, accept, drop and end, and of nothing that was sent', async () => {
    const text = await run({ NODE_DEBUG: 'pool-ts' });
    const lines = text.split('\n').filter(Boolean);
    for (const line of lines) expect(line).toMatch(/^POOL-TS \d+: /);
    for (const pattern of [
      /: backend user: backend 'user' was asked for|: backend user: /,
      /: listen 127\.0\.0\.1:0$/,
      /: listen 127\.0\.0\.1:0: done$/,
      /: dial 127\.0\.0\.1:\d+$/,
      /: dial 127\.0\.0\.1:\d+: done$/,
      /: dialled user session \d, 127\.0\.0\.1:\d+ -> 127\.0\.0\.1:\d+$/,
      /: accepted user session \d, /,
      /: drop 127\.0\.0\.1:\d+ at 127\.0\.0\.1:\d+: max-connections$/,
      /: end of user session \d, .*: local$/,
      /: end of user session \d, .*: remote$/,
      /: dial 127\.0\.0\.1:\d+: failed, dial pool .*ECONNREFUSED/,
    ]) {
      expect(
        lines.some((line) => pattern.test(line)),
        `${pattern} in\n${text}`,
      ).toBe(true);
    }
    expect(text).not.toContain('secret');
  });

  it('is silent otherwise', async () => {
    expect(await run({ NODE_DEBUG: 'http' })).toBe('');
  });
});
