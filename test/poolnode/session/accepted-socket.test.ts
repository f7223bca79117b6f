import * as net from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { takeAccepted } from '../../../src/poolnode/session/accepted-socket.js';
import { until } from '../conversation.js';

/** A server as a listener's, and a client of it that sends `text`, after what it accepted was taken. */
async function accept(text: string, change: (accepted: net.Socket) => void = () => {}) {
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
  const accepting = new Promise<net.Socket>((resolve) => server.once('connection', resolve));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = net.connect({ host: '127.0.0.1', port: (server.address() as net.AddressInfo).port });
  const accepted = await accepting;
  change(accepted);
  const taken = takeAccepted(accepted);
  onTestFinished(() => {
    client.destroy();
    taken.socket.destroy();
    server.close();
  });
  const chunks: Uint8Array[] = [];
  let got = '';
  taken.reader.start(taken.socket, (chunk) => {
    chunks.push(chunk);
    got += Buffer.from(chunk).toString();
  });
  client.write(text);
  return { ...taken, accepted, client, server, chunks, got: () => got };
}

describe('an accepted socket', () => {
  it.skipIf(process.platform === 'win32')('is read into the memory that all share', async () => {
    const text = 'a'.repeat(1_000_000);
    const two = await Promise.all([accept(text), accept(text)]);
    for (const { socket } of two) socket.resume();
    await until(() => two.every(({ got }) => got() === text));
    expect(two.every(({ reader }) => reader.reuses)).toBe(true);
    expect(new Set(two.flatMap(({ chunks }) => chunks.map(({ buffer }) => buffer))).size).toBe(1);
  });

  it('is not read before it is told to, and knows both ends', async () => {
    const { socket, client, got } = await accept('early');
    await new Promise<void>((resolve) => client.write(' and late', () => resolve()));
    expect(socket.isPaused()).toBe(true);
    expect(got()).toBe('');
    expect(socket.remotePort).toBe(client.localPort);
    expect(socket.localPort).toBe(client.remotePort);
    socket.resume();
    await until(() => got() === 'early and late');
    socket.pause();
    await new Promise<void>((resolve) => client.write('!', () => resolve()));
    await new Promise((resolve) => setImmediate(resolve));
    expect(got()).toBe('early and late');
    socket.resume();
    await until(() => got() === 'early and late!');
  });

  it('answers after its peer ended, ends itself, and leaves its server nothing to wait for', async () => {
    const { socket, client, server } = await accept('bye');
    const ended = new Promise((resolve) => socket.once('end', resolve));
    socket.resume();
    client.end();
    await ended;
    expect(socket.writable).toBe(true);
    let answer = '';
    client.on('data', (data) => (answer += String(data)));
    const over = new Promise((resolve) => client.once('close', resolve));
    socket.end('answer');
    await over;
    expect(answer).toBe('answer');
    await new Promise((resolve) => server.close(resolve));
    expect(await new Promise((resolve) => server.getConnections((_, count) => resolve(count)))).toBe(0);
  });

  it('stays as it came where its handle is another', async () => {
    const { socket, accepted, reader, got } = await accept('read all the same', (from) => {
      Object.defineProperty((from as unknown as { _handle: object })._handle, 'useUserBuffer', { value: undefined });
    });
    expect(socket).toBe(accepted);
    expect(reader.reuses).toBe(false);
    socket.resume();
    await until(() => got() === 'read all the same');
  });
});
