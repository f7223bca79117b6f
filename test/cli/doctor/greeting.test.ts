import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { greetPort } from '../../../src/cli/doctor/greeting.js';
import { listen } from '../../../src/index.js';

const servers: Server[] = [];
afterEach(() => servers.splice(0).forEach((server) => server.close()));

async function tcp(answer: string): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(answer);
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

it('knows a POOL node, whose program sees no session', async () => {
  const listener = await listen('127.0.0.1:0', { backend: 'user' });
  expect(await greetPort('127.0.0.1', listener.addr.port)).toBe('POOL');
  const none = expect(listener.accept()).rejects.toMatchObject({ code: 'ERR_POOL_CLOSED' });
  await listener.close();
  await none;
});

it('knows what is none', async () => {
  expect(await greetPort('127.0.0.1', await tcp(`HTTP/1.1 400 Bad Request\r\n${'x'.repeat(200)}`))).toBe('other');
  expect(await greetPort('127.0.0.1', await tcp(''))).toBe('other');
});

it('tells nobody from somebody', async () => {
  const port = await tcp('');
  await new Promise((resolve) => servers.pop()?.close(resolve));
  expect(await greetPort('127.0.0.1', port)).toBe('nobody');
});
