import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { deviceMetrics } from '../../../src/cli/metrics/device-metrics.js';
import { serveMetrics } from '../../../src/cli/metrics/serve-metrics.js';
import { run } from '../../../src/cli/program.js';
import { testTerminal, type TestTerminal } from '../test-terminal.js';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

const collected = { contentType: 'text/plain; version=0.0.4', text: () => Promise.resolve('pool_up 1\n') };

async function served(text = collected.text): Promise<{ terminal: TestTerminal; url: string; done: Promise<void> }> {
  const terminal = testTerminal();
  const said = once(terminal.stderr, 'data');
  const done = serveMetrics(terminal, { ...collected, text }, { host: '127.0.0.1', port: 0 });
  ends.push(async () => {
    terminal.interrupt();
    await done;
  });
  await said;
  const url = /^metrics at (http:\/\/127\.0\.0\.1:\d+)\/metrics\n$/.exec(terminal.err())![1]!;
  return { terminal, url, done };
}

describe('pool-ts metrics', () => {
  it('serves the metrics under /metrics with the type of their text, and says that it is well under /health', async () => {
    const { url } = await served();
    const metrics = await fetch(`${url}/metrics?from=prometheus`);
    expect([metrics.status, metrics.headers.get('content-type'), await metrics.text()]).toEqual([
      200,
      'text/plain; version=0.0.4',
      'pool_up 1\n',
    ]);
    const head = await fetch(`${url}/metrics`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '10', '']);
    expect(await (await fetch(`${url}/health`)).text()).toBe('OK\n');
  });

  it('has nothing else, and takes nothing', async () => {
    const { url } = await served();
    expect((await fetch(`${url}/`)).status).toBe(404);
    expect((await fetch(`${url}/metrics/x`)).status).toBe(404);
    const post = await fetch(`${url}/metrics`, { method: 'POST', body: 'x' });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  it('outlives a scrape that failed', async () => {
    let calls = 0;
    const { url } = await served(() => (calls++ === 0 ? Promise.reject(new Error('no')) : collected.text()));
    expect((await fetch(`${url}/metrics`)).status).toBe(500);
    expect((await fetch(`${url}/metrics`)).status).toBe(200);
  });

  it('ends at ^C, whoever holds a connection open', async () => {
    const { terminal, url, done } = await served();
    await (await fetch(`${url}/health`)).text(); // fetch keeps it alive
    terminal.interrupt();
    await done;
    await expect(fetch(`${url}/health`)).rejects.toThrow();
  });

  it('says in one line that its port is taken, or that its address is none', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    ends.push(async () => void other.close());
    const { port } = other.address() as { port: number };
    for (const [at, code, says] of [
      [`127.0.0.1:${port}`, 1, /EADDRINUSE/],
      ['nonsense', 64, /is not host:port/],
    ] as const) {
      const terminal = testTerminal();
      expect(await run(['metrics', '--device', '/nonexistent/pool', '--listen', at], terminal)).toBe(code);
      expect(terminal.err()).toMatch(/^pool-ts metrics: [^\n]*\n$/);
      expect(terminal.err()).toMatch(says);
    }
  });

  it('says what to install where prom-client is missing, and hides no other fault', async () => {
    const missing = (name: string) =>
      Object.assign(new Error(`Cannot find package '${name}'`), { code: 'ERR_MODULE_NOT_FOUND' });
    await expect(deviceMetrics('/dev/pool', () => Promise.reject(missing('prom-client')))).rejects.toMatchObject({
      exitCode: 69,
      message: expect.stringContaining('npm install prom-client') as string,
    });
    await expect(deviceMetrics('/dev/pool', () => Promise.reject(missing('other')))).rejects.toThrow(/'other'/);
  });
});
