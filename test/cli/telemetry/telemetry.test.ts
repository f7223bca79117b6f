import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../../src/cli/program.js';
import { watch, type Watched } from '../../../src/cli/telemetry/watch.js';
import { Addr, type Conn, listen, type Listener } from '../../../src/index.js';
import { testTerminal } from '../test-terminal.js';
import { VirtualScreen } from '../virtual-screen.js';

it('tells once, beside the lines, that no heartbeat was answered', async () => {
  const terminal = testTerminal();
  let seconds = 4;
  const conn = {
    backend: 'user',
    remoteAddr: new Addr('10.0.0.1', 9253),
    closed: new Promise(() => undefined),
    readMessages: async () => null,
    info: async () => ({
      state: 'ESTABLISHED',
      bytesSent: 0n,
      bytesRecv: 0n,
      telemetry: { rttNs: null, jitterNs: null, lossPercent: 0, uptimeNs: BigInt((seconds += 1)) * 1_000_000_000n },
    }),
  } as unknown as Watched;
  await watch(terminal, conn, { intervalMs: 1, count: 4, format: 'auto', isModule: false });
  expect(terminal.out().trimEnd().split('\n')).toHaveLength(4);
  expect(terminal.err()).toBe('no heartbeat was answered in 6 s: most likely nobody over there accepts the session\n');
});

describe('pool-ts telemetry', () => {
  let listener: Listener;
  beforeEach(async () => {
    listener = await listen('127.0.0.1:0', { backend: 'user' });
  });
  afterEach(() => listener.close({ connections: 'destroy' }));

  const start = (terminal: ReturnType<typeof testTerminal>, ...args: string[]) =>
    run(['telemetry', listener.addr.toString(), '--backend', 'user', ...args], terminal);

  async function printed(terminal: ReturnType<typeof testTerminal>, pattern: RegExp): Promise<void> {
    while (!pattern.test(terminal.out())) await new Promise(setImmediate);
  }

  it('prints as many samples as asked, closes its session and ends with 0', async () => {
    const terminal = testTerminal();
    const [code, conn] = await Promise.all([
      start(terminal, '--interval', '0.05', '--count', '3', '--csv'),
      listener.accept(),
    ]);
    expect(code).toBe(0);
    const lines = terminal.out().trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(/^time,state,rtt_us/);
    expect(lines[3]).toMatch(/^[^,]+Z,ESTABLISHED,,,0,0,0,/);
    expect((await conn.closed).by).toBe('remote');
  });

  it('knows rates from the second sample on, and drops what the peer sends', async () => {
    const terminal = testTerminal();
    const accepted = listener.accept();
    const done = start(terminal, '--interval', '0.05', '--json');
    const conn = await accepted;
    await printed(terminal, /\n/);
    for (let sent = 0; sent < 4 << 20; sent += 60_000) await conn.writeMessage(new Uint8Array(60_000));
    await printed(terminal, /"receivedRate":[1-9]/);
    terminal.interrupt();
    expect(await done).toBe(0);
    expect(JSON.parse(terminal.out().split('\n')[0]!)).toMatchObject({ receivedRate: null, queueDepth: 0 });
  });

  it.each([
    { how: 'closes', end: (conn: Conn) => conn.close(), says: /the peer closed the session/ },
    { how: 'vanishes', end: async (conn: Conn) => conn.destroy(), says: /ERR_POOL_PEER_LOST/ },
  ])('ends with 1 and one line when the peer $how', async ({ end, says }) => {
    const terminal = testTerminal();
    const accepted = listener.accept();
    const done = start(terminal, '--interval', '3600');
    const conn = await accepted;
    await printed(terminal, /queue/);
    await end(conn);
    expect(await done).toBe(1);
    const [, line, ...more] = terminal.err().split('\n');
    expect(line).toMatch(says);
    expect(more).toEqual(['']);
  });

  it('plots on a terminal until q, gives the screen back, and leaves a line', async () => {
    const terminal = testTerminal({ tty: true, columns: 80, rows: 24 });
    const screen = new VirtualScreen(80, 24);
    terminal.stdout.on('data', (chunk: Buffer) => screen.write(chunk.toString()));
    const done = start(terminal, '--interval', '0.05');
    await printed(terminal, /every 0\.05 s/);
    expect(screen.lines()[0]).toMatch(/^127\.0\.0\.1:\d+, user backend/);
    terminal.stdin.write('q');
    expect(await done).toBe(0);
    expect(screen).toMatchObject({ alternate: false, cursorShown: true, overflows: 0, entered: 1, left: 1 });
    expect(terminal.err()).toMatch(/samples, RTT least/);
  });

  it('ends with the code of what went wrong before it began', async () => {
    const refused = testTerminal();
    const address = listener.addr.toString();
    await listener.close();
    expect(await run(['telemetry', address, '--backend', 'user'], refused)).toBe(1);
    expect(refused.err()).toMatch(/^pool-ts telemetry: dial pool .*refused.*\n$/);
    for (const wrong of [
      ['telemetry'],
      ['telemetry', 'x:y'],
      ['telemetry', ':1', '--csv', '--json'],
      ['telemetry', ':1', '--count', '0'],
    ]) {
      expect(await run(wrong, testTerminal()), wrong.join(' ')).toBe(64);
    }
  });
});
