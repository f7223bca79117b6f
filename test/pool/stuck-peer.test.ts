import { describe, expect, it, onTestFinished } from 'vitest';
import { type Conn, listen } from '../../src/index.js';
import type { ListenOptions } from '../../src/pool/options.js';
import { forked, said } from '../programs/forked.js';

/** The README's echo server, and a peer that fills both directions and is then stopped as a whole. Its Conn at the server. */
async function stuck(options: ListenOptions): Promise<Conn> {
  const listener = await listen('127.0.0.1:0', { backend: 'user', ...options });
  const serving: Promise<void>[] = [];
  onTestFinished(async () => {
    await listener.close({ connections: 'destroy' });
    await Promise.all(serving);
  });
  const child = forked('stuck-peer', [listener.addr.port]);
  const conn = await listener.accept();
  serving.push(echo(conn).catch(() => undefined));
  expect(await said(child)).toBe('stuck');
  child.kill('SIGSTOP');
  return conn;
}

async function echo(conn: Conn): Promise<void> {
  for await (const message of conn) await conn.writeMessage(message);
}

describe('a session whose peer fills both directions and then stops', { timeout: 120_000 }, () => {
  it('ends after writeStallTimeout, and says so', async () => {
    const conn = await stuck({ writeStallTimeout: 3000 });
    const { by, error } = await conn.closed;
    expect(by).toBe('error');
    expect(error?.code).toBe('ERR_POOL_TIMEOUT');
    expect(error?.message).toContain('took nothing of what was sent for 3000 ms (writeStallTimeout)');
  });

  it('is idle for idleTimeout, which has to end it where writeStallTimeout is 0', async () => {
    const conn = await stuck({ writeStallTimeout: 0, idleTimeout: 3000 });
    const { by, error } = await conn.closed;
    expect(by).toBe('error');
    expect(error?.code).toBe('ERR_POOL_TIMEOUT');
    expect(error?.message).toContain('nothing was sent or received for 3000 ms');
  });
});
