import { afterEach, describe, expect, it } from 'vitest';
import { type Conn, dial, type Listener, listen } from '../../src/index.js';
import { type FaultyProxy, type FaultyProxyOptions, faultyProxy, type NetworkFaults } from '../../src/testing/index.js';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function through(faults: Omit<FaultyProxyOptions, 'target'> = {}): Promise<{
  proxy: FaultyProxy;
  conn: Conn;
  peer: Conn;
}> {
  const listener: Listener = await listen('127.0.0.1:0', { backend: 'user' });
  ends.push(() => listener.close({ connections: 'destroy' }));
  const proxy = await faultyProxy({ target: listener.addr, ...faults });
  ends.push(() => proxy.close());
  const [conn, peer] = await Promise.all([dial(proxy.addr, { backend: 'user' }), listener.accept()]);
  ends.push(async () => conn.destroy());
  return { proxy, conn, peer };
}

describe('a faulty proxy', () => {
  it('without faults passes everything on, in both directions, and counts it', async () => {
    const { proxy, conn, peer } = await through();
    const long = new Uint8Array(5_000_000).fill(7);
    const written = conn.write(long);
    let got = 0;
    while (got < long.length) got += (await peer.readMessage())!.length;
    await written;
    await peer.writeMessage('back');
    expect(Buffer.from((await conn.readMessage())!).toString()).toBe('back');
    expect(proxy.passed.upstream).toBeGreaterThan(long.length);
    expect(proxy.passed.downstream).toBeGreaterThan(0);
    await conn.close();
    expect(await peer.readMessage()).toBeNull();
  });

  it('slices, and takes its time, and loses nothing', async () => {
    const { conn, peer } = await through({
      upstream: { slice: 7, latency: 20 },
      downstream: { bandwidth: 100_000 },
    });
    const before = performance.now();
    await conn.writeMessage('x'.repeat(500));
    expect((await peer.readMessage())!.length).toBe(500);
    expect(performance.now() - before).toBeGreaterThanOrEqual(19);
    const started = performance.now();
    await peer.writeMessage(new Uint8Array(50_000));
    expect((await conn.readMessage())!.length).toBe(50_000);
    // 20,000 bytes at 100,000 a second, but for the last of its fiftieths.
    expect(performance.now() - started).toBeGreaterThanOrEqual(170);
  });

  it.each<[string, NetworkFaults, string]>([
    ['corrupts a byte', { corrupt: { at: 600 } }, 'ERR_POOL_AUTH_FAILED'],
    ['cuts', { cutAt: 600 }, 'ERR_POOL_PEER_LOST'],
    ['resets', { resetAt: 600 }, 'ECONNRESET'],
  ])('%s at a byte', async (_, faults, code) => {
    const { conn, peer } = await through({ upstream: faults });
    const writing = conn.writeMessage(new Uint8Array(2_000)).catch(() => undefined);
    const told: unknown = expect.stringMatching(`${code}|ERR_POOL_PEER_LOST`);
    await expect(peer.readMessage()).rejects.toMatchObject({ code: told });
    await writing;
    await expect(conn.readMessage()).rejects.toThrow();
  });

  it('lets nothing through behind a byte, and keeps the connection', async () => {
    const { proxy, conn, peer } = await through();
    const { upstream } = proxy.passed;
    proxy.set({ upstream: { blackholeAt: upstream } });
    await conn.writeMessage('into the void');
    await peer.writeMessage('the other way goes');
    expect((await conn.readMessage())!.length).toBeGreaterThan(0);
    expect(proxy.passed.upstream).toBe(upstream);
    expect([conn.state, peer.state]).toEqual(['open', 'open']);
  });

  it('is as narrow as it is told also where it slices', async () => {
    const { conn, peer } = await through({ upstream: { bandwidth: 100_000, slice: 5 } });
    const begun = performance.now();
    await conn.writeMessage(new Uint8Array(50_000));
    expect((await peer.readMessage())!.length).toBe(50_000);
    // Half a second; a timer for each slice would take 10 s at the least.
    expect(performance.now() - begun).toBeLessThan(9500);
  });

  it('resets what is open', async () => {
    const { proxy, conn, peer } = await through();
    proxy.reset();
    await expect(conn.readMessage()).rejects.toMatchObject({ name: 'PoolError' });
    await expect(peer.readMessage()).rejects.toMatchObject({ name: 'PoolError' });
  });

  it.each<[string, object, string]>([
    ['upstream.latency', { latency: -1 }, 'ERR_OUT_OF_RANGE'],
    ['upstream.bandwidth', { bandwidth: 0 }, 'ERR_OUT_OF_RANGE'],
    ['upstream.corrupt.at', { corrupt: {} }, 'ERR_OUT_OF_RANGE'],
    ['lag', { lag: 3 }, 'ERR_INVALID_ARG_VALUE'],
  ])('refuses %s before it listens', async (name, upstream, code) => {
    const starting = faultyProxy({ target: { host: '127.0.0.1', port: 1 }, upstream });
    const message: unknown = expect.stringContaining(name);
    await expect(starting).rejects.toMatchObject({ code, message });
  });
});
