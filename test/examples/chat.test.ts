import { afterEach, expect, test } from 'vitest';
import { dial } from '../../src/index.js';
import { killAll, type Running, start } from '../programs/run.js';

const CHAT = 'examples/chat.ts';

afterEach(killAll);

async function served(): Promise<{ server: Running; address: string }> {
  const server = start([CHAT, '--listen', '127.0.0.1:0']);
  const [, address = ''] = await server.printed(/listening on (\S+)/);
  return { server, address };
}

async function joined(server: Running, address: string, name: string): Promise<Running> {
  const client = start([CHAT, '--connect', address, '--name', name]);
  await server.printed(new RegExp(`\\* ${name} is here`));
  return client;
}

test('everybody gets what others say, and who comes and goes', async () => {
  const { server, address } = await served();
  const ada = await joined(server, address, 'Ada');
  const bob = await joined(server, address, 'Bob');
  await ada.printed(/^\* Bob is here \(2\)$/m);
  ada.child.stdin.write('hello\n');
  await bob.printed(/^Ada: hello$/m);
  bob.child.stdin.end('\x1b[31mhow are you?\n');
  await ada.printed(/^Bob: \?\[31mhow are you\?$/m);
  await ada.printed(/^\* Bob has left \(1\)$/m);
  expect(await bob.ended).toBe(0);
  expect(ada.output.stdout).not.toContain('Ada: ');

  server.child.kill('SIGINT');
  expect(await server.ended).toBe(0);
  expect(await ada.ended).toBe(1);
  expect(ada.output.stderr).toBe('the server closed the connection\n');
});

test('a client that does not read is let go, and the others hear everything', async () => {
  const { server, address } = await served();
  const listener = await dial(address, { backend: 'user', channels: [1] });
  const presence = await listener.openChannel(1);
  await presence.writeMessage('Listener');
  const slow = await dial(address, { backend: 'user', channels: [1], readQueueBytes: 1 });
  await (await slow.openChannel(1)).writeMessage('Slow');
  const writer = await dial(address, { backend: 'user', channels: [1] });
  await (await writer.openChannel(1)).writeMessage('Writer');
  await server.printed(/Writer is here/);

  // Each line waits until it was heard: what the server holds for those who read stays small.
  const line = Buffer.alloc(50_000, 'x');
  let sent = 0;
  while (!server.output.stdout.includes('Slow has left')) {
    await writer.writeMessage(line);
    sent += 1;
    expect((await listener.readMessage())?.length).toBe(line.length + 'Writer: '.length);
    expect(sent).toBeLessThan(2000); // 100 MB: far above what sockets hold
  }
  for (const conn of [slow, writer, listener]) conn.destroy();
  server.child.kill('SIGINT');
  expect(await server.ended).toBe(0);
});
