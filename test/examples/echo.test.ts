import { afterEach, expect, test } from 'vitest';
import { killAll, run, start } from '../programs/run.js';

const ECHO = 'examples/echo.ts';

afterEach(killAll);

test('the client sends lines, prints the answers and ends with its input; SIGINT ends the server', async () => {
  const server = start([ECHO, '--listen', '127.0.0.1:0']);
  const [, address = ''] = await server.printed(/listening on (\S+)/);

  const client = await run([ECHO, '--connect', address], { stdin: 'first line\nsecond line\n' });
  expect(client.stderr).toBe('');
  expect(client.code).toBe(0);
  expect(client.stdout.match(/^.*first line$/m)?.index).toBeLessThan(client.stdout.search(/^.*second line$/m));

  await server.printed(/closed/);
  server.child.kill('SIGINT');
  expect(await server.ended).toBe(0);
});

test('SIGINT ends a client that waits for input', async () => {
  const server = start([ECHO, '--listen', '127.0.0.1:0']);
  const [, address = ''] = await server.printed(/listening on (\S+)/);
  const client = start([ECHO, '--connect', address]);
  await client.printed(/connected to/);
  client.child.kill('SIGINT');
  expect(await client.ended).toBe(0);
  server.child.kill('SIGTERM');
  expect(await server.ended).toBe(0);
});

test('a server that closes ends the client with an error', async () => {
  const server = start([ECHO, '--listen', '127.0.0.1:0']);
  const [, address = ''] = await server.printed(/listening on (\S+)/);
  const client = start([ECHO, '--connect', address]);
  await client.printed(/connected to/);
  await server.printed(/connected \(/);
  server.child.kill('SIGINT');
  expect(await client.ended).toBe(1);
  expect(client.output.stderr).toMatch(/^.*closed the connection\n$/);
});

test.each([
  { args: [], says: /--listen and --connect/ },
  { args: ['--listen', ':0', '--connect', '127.0.0.1:1'], says: /--listen and --connect/ },
  { args: ['--port', '9253'], says: /--port/ },
  { args: ['--connect', '127.0.0.1:nine'], says: /nine/ },
  { args: ['--connect', '127.0.0.1:0'], says: /0/ },
])('wrong usage $args exits with 2 and says what is wrong', async ({ args, says }) => {
  const { code, stdout, stderr } = await run([ECHO, ...args]);
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toMatch(says);
  expect(stderr).not.toMatch(/^\s+at /m);
});

test('a refused connection exits with 1 and one line', async () => {
  const server = start([ECHO, '--listen', '127.0.0.1:0']);
  const [, address = ''] = await server.printed(/listening on (\S+)/);
  server.child.kill('SIGINT');
  await server.ended;
  const { code, stderr } = await run([ECHO, '--connect', address]);
  expect(code).toBe(1);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(stderr).toContain(address);
  expect(stderr).toContain('refused');
});
