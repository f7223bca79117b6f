import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { killAll, run, start } from '../programs/run.js';
import { randomBytes } from '../random.js';

const BRIDGE = 'examples/bridge.ts';

afterEach(killAll);

async function bridge(
  direction: string,
  destination: string,
): Promise<{ address: string; stop: () => Promise<unknown> }> {
  const program = start([BRIDGE, direction, '127.0.0.1:0', destination]);
  const [, address = ''] = await program.printed(/listening on (\S+)/);
  const stop = async (): Promise<unknown> => {
    program.child.kill('SIGINT');
    return program.ended;
  };
  return { address, stop };
}

test('HTTP goes through a bridge and back, several requests at a time', async () => {
  const body = randomBytes(5_000_000);
  const web = createServer((_, response) => response.end(body)).listen(0, '127.0.0.1');
  await once(web, 'listening');
  const far = await bridge('pool2tcp', `127.0.0.1:${(web.address() as AddressInfo).port}`);
  const near = await bridge('tcp2pool', far.address);
  const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
  const get = async () => digest(new Uint8Array(await (await fetch(`http://${near.address}/`)).arrayBuffer()));
  expect(await Promise.all([get(), get(), get()])).toEqual(Array(3).fill(digest(body)));
  expect(await near.stop()).toBe(0);
  expect(await far.stop()).toBe(0);
  web.closeAllConnections();
  web.close();
});

test('an answer comes through behind the FIN of the question, and a reset is passed on', async () => {
  const echo = createTcpServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (question: Buffer) => {
      if (question.toString() === 'reset') socket.resetAndDestroy();
      else socket.end(`an answer to ${question.toString()}`);
    });
  }).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const far = await bridge('pool2tcp', `127.0.0.1:${(echo.address() as AddressInfo).port}`);
  const near = await bridge('tcp2pool', far.address);
  const port = Number(near.address.split(':').at(-1));

  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  client.end('a question');
  expect(String((await once(client, 'data'))[0])).toBe('an answer to a question');
  client.destroy();

  const broken = connect(port, '127.0.0.1');
  broken.write('reset');
  const [error] = (await once(broken, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNRESET');
  echo.close();
});

test('a destination that can not be reached resets the connection', async () => {
  const near = await bridge('tcp2pool', '127.0.0.1:1');
  const client = connect(Number(near.address.split(':').at(-1)), '127.0.0.1');
  const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNRESET');
});

test.each([
  { args: [] },
  { args: ['tcp2pool', ':0'] },
  { args: ['toString', ':0', ':1'] },
  { args: ['tcp2pool', 'x', ':1'] },
  { args: ['pool2tcp', '127.0.0.1:0', 'x'] },
])('wrong usage $args exits with 2', async ({ args }) => {
  const { code, stderr } = await run([BRIDGE, ...args]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^usage: /);
});

test('a destination that is no address is told at the start, in one line', async () => {
  const { code, stdout, stderr } = await run([BRIDGE, 'tcp2pool', '127.0.0.1:0', '127.0.0.1:nine']);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^[^\n]*nine[^\n]*\n$/);
});
