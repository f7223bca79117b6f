import { afterEach, expect, test } from 'vitest';
import { killAll, run, start } from '../programs/run.js';

const TELEMETRY = 'examples/telemetry.ts';
const LINE =
  /^127\.0\.0\.1:\d+: RTT (unknown|\d+ µs), jitter (unknown|\d+ µs), loss 0 %, out \d+ B\/s, in \d+ B\/s, queue \d+$/m;

afterEach(killAll);

async function pair() {
  const server = start([TELEMETRY, '--listen', '127.0.0.1:0', '--interval', '0.2']);
  const [, address = ''] = await server.printed(/listening on (\S+)/);
  const client = start([TELEMETRY, '--connect', address, '--interval', '0.1']);
  return { server, client, address };
}

test('both ends print lines, with the round trip from the first heartbeat on, and end on SIGINT', async () => {
  const { server, client } = await pair();
  expect((await client.printed(LINE))[1]).toBe('unknown');
  await server.printed(LINE);
  await client.printed(/RTT \d+ µs/);
  client.child.kill('SIGINT');
  expect(await client.ended).toBe(0);
  await server.printed(/: closed$/m);
  server.child.kill('SIGINT');
  expect(await server.ended).toBe(0);
  expect(client.output.stderr + server.output.stderr).toBe('');
});

test('a server that closes ends the client with 1 and one line', async () => {
  const { server, client, address } = await pair();
  await client.printed(LINE);
  server.child.kill('SIGTERM');
  expect(await server.ended).toBe(0);
  expect(await client.ended).toBe(1);
  expect(client.output.stderr).toBe(`the server ${address} closed the session\n`);
});

test.each([
  { args: [], code: 2, says: /--listen and --connect/ },
  { args: ['--connect', '127.0.0.1:1', '--interval', 'often'], code: 2, says: /--interval/ },
  { args: ['--connect', '127.0.0.1:0'], code: 2, says: /0/ },
  { args: ['--nonsense'], code: 2, says: /nonsense/ },
])('wrong usage $args exits with 2 and says what is wrong', async ({ args, code, says }) => {
  const result = await run([TELEMETRY, ...args]);
  expect(result.code).toBe(code);
  expect(result.stderr).toMatch(says);
  expect(result.stderr).not.toMatch(/^\s+at /m);
});
