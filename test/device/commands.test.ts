/** listen and connect, send and receive, and bridge on mounted devices, as between two machines with the module. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { killAll, type Running, start } from '../programs/run.js';
import { fuse, program } from '../require.js';
import { until } from './processes.js';
import { CLI, type Served, serveDevice } from './served.js';
import { randomBytes } from '../random.js';

const MB = 1_000_000;
const DOWNLOADS = 10;
const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const curl = program('curl', 'curl');

describe.skipIf(fuse().missing)('commands between two devices', () => {
  let folder: string;
  let near: Served;
  let far: Served;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pool-commands-'));
    [near, far] = await Promise.all([serveDevice(), serveDevice()]);
  });
  afterEach(killAll);
  afterAll(async () => {
    await Promise.all([near.stop(), far.stop()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const on = (device: Served, ...args: string[]): Running =>
    start([CLI, ...args], { env: { POOL_BACKEND: 'kernel', POOL_DEVICE: device.path, NODE_NO_WARNINGS: '1' } });

  /** Where what listens on `far` can be reached; the device is told the port alone, as the module is. */
  async function reached({ output, child }: Running): Promise<string> {
    for (;;) {
      const port = /listening on \S+:(\d+)/.exec(output.stderr)?.[1];
      if (port !== undefined) return `127.0.0.1:${port}`;
      if (child.exitCode !== null) throw new Error(`ended before it listened: ${output.stderr}`);
      await Promise.race([once(child.stderr, 'data'), once(child, 'close')]);
    }
  }

  it('listen and connect carry bytes, and both end', async () => {
    const server = on(far, 'listen', ':0');
    const client = on(near, 'connect', await reached(server));
    const text = 'a line of text\n'.repeat(100_000);
    client.child.stdin.end(text);
    expect(await client.ended, client.output.stderr).toBe(0);
    expect(await server.ended, server.output.stderr).toBe(0);
    expect(server.output.stdout).toBe(text);
  });

  it("connect gives up a peer that was killed: its session is still the device's, and looks alive", async () => {
    const server = on(far, 'listen', ':0');
    const address = await reached(server);
    const client = on(near, 'connect', '--idle-timeout', '1', address);
    server.child.stdin.write('last words');
    await client.printed(/last words/);
    server.child.kill('SIGKILL');
    expect(await client.ended).toBe(75);
    expect(client.output.stderr).toMatch(/^pool-ts connect: [^\n]*nothing was sent or received for 1000 ms[^\n]*\n$/);
    // It keeps the port as well, and whoever listens there next has it.
    const next = on(far, 'listen', address.replace(/.*:/, ':'));
    const again = on(near, 'connect', await reached(next));
    again.child.stdin.end('first words');
    expect(await again.ended, again.output.stderr).toBe(0);
    await next.ended;
    expect(next.output.stdout).toBe('first words');
    const { Device } = await import('../../src/poolioc/index.js');
    const device = await Device.open(far.path);
    await device.stop();
    for (const { index } of await device.sessions()) await device.closeSession(index);
    await device.close();
  });

  it('send and receive move a file whole, through a kill of the sender', async () => {
    const [source, into] = [join(folder, 'big.bin'), join(folder, 'in')];
    const contents = randomBytes(50 * MB);
    writeFileSync(source, contents);
    mkdirSync(into);
    const receiver = on(far, 'receive', into, '--listen', ':0', '--idle-timeout', '12');
    const address = await reached(receiver);
    const killed = on(near, 'send', source, address);
    const part = join(into, '.big.bin.pool-part');
    await until(() => (statSync(part, { throwIfNoEntry: false })?.size ?? 0) > MB);
    killed.child.kill('SIGKILL');
    expect(await killed.ended).toBe('SIGKILL');
    expect(readdirSync(into).sort()).toEqual(['.big.bin.pool-part', '.big.bin.pool-part.json']);

    // The device keeps the dead one's session alive: the new sender waits for its silence, and takes over.
    const sender = on(near, 'send', source, address, '--json');
    expect(await sender.ended, sender.output.stderr).toBe(0);
    const result = JSON.parse(sender.output.stdout) as { status: string; resumedFrom: number; sha256: string };
    expect(result).toMatchObject({ status: 'sent', sha256: digestOf(contents) });
    expect(result.resumedFrom).toBeGreaterThan(MB);
    expect(digestOf(readFileSync(join(into, 'big.bin')))).toBe(digestOf(contents));
    expect(readdirSync(into)).toEqual(['big.bin']);
    receiver.child.kill('SIGINT');
    expect(await receiver.ended).toBe(130);
  });

  describe.skipIf(curl.missing)('bridge', () => {
    const page = randomBytes(50 * MB);
    let server: Server;
    beforeAll(async () => {
      server = createServer((_request, response) => response.end(page)).listen(0, '127.0.0.1');
      await once(server, 'listening');
    });
    afterAll(() => {
      server.closeAllConnections();
      server.close();
    });

    it('carries downloads of 50 MB, ten at a time', { timeout: 120_000 }, async () => {
      const web = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      const back = on(far, 'bridge', 'pool2tcp', ':0', web);
      const front = on(near, 'bridge', 'tcp2pool', '127.0.0.1:0', await reached(back), '--half-close-timeout', '1');
      const address = await reached(front);
      const downloads = await Promise.all(Array.from({ length: DOWNLOADS }, () => download(address)));
      expect(downloads).toEqual(Array(DOWNLOADS).fill({ code: 0, digest: digestOf(page) }));
      for (const bridge of [front, back]) {
        bridge.child.kill('SIGINT');
        expect(await bridge.ended).toBe(130);
        expect(bridge.output.stderr).toMatch(/^ended; 0 open, 10 done; to POOL .*; to TCP .*\n$/m);
      }
    });
  });
});

/** curl's exit code, and the digest of what it got. */
function download(address: string): Promise<{ code: number; digest: string }> {
  return new Promise((resolve) => {
    const child = execFile('curl', ['-sS', `http://${address}/`], { encoding: 'buffer', maxBuffer: 100 * MB });
    const hash = createHash('sha256');
    child.stdout!.on('data', (chunk: Buffer) => hash.update(chunk));
    child.once('close', (code) => resolve({ code: code ?? -1, digest: hash.digest('hex') }));
  });
}
