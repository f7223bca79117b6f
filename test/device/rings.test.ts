/** Sessions whose messages travel through memory that their program shares with the process that serves the device. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dial, listen, type Listener } from '../../src/index.js';
import { Device, SessionState } from '../../src/poolioc/index.js';
import { killAll, start } from '../programs/run.js';
import { fuse } from '../require.js';
import { descriptors, ringsOf, until } from './processes.js';
import { type Served, serveDevice } from './served.js';

const WRITER = 'test/device/programs/writer.ts';
const LEAVER = 'test/device/programs/leaver.ts';

describe.skipIf(fuse().missing)('a session with rings', () => {
  let served: Served;
  let listener: Listener;
  let device: Device;
  beforeEach(async () => {
    served = await serveDevice();
    device = await Device.open(served.path);
    listener = await listen('127.0.0.1:0', { backend: 'user' });
  });
  afterEach(async () => {
    await killAll();
    await listener.close({ connections: 'destroy' });
    await device.close();
    await served.stop();
  });

  it('delivers what was written by a program that was killed right after, in order and whole', async () => {
    const program = start([WRITER, served.path, listener.addr.toString(), '2000']);
    const peer = await listener.accept();
    await program.printed(/written/);
    expect(ringsOf(program.child.pid!)).toBe(1);
    expect(ringsOf(served.pid)).toBe(1);
    program.child.kill('SIGKILL');
    expect(await program.ended).toBe('SIGKILL');
    for (let n = 0; n < 2000; n += 1) expect(Buffer.from((await peer.readMessage())!).toString()).toBe(String(n));
    // The slot stays taken, as on the module, and serves whoever makes calls.
    const [session] = await device.sessions();
    await device.sendBytes(session!.index, 0, Buffer.from('by SEND'));
    expect(Buffer.from((await peer.readMessage())!).toString()).toBe('by SEND');
    await peer.writeMessage('for a RECV');
    const buffer = Buffer.alloc(100);
    expect(buffer.toString('latin1', 0, (await device.recvBytes(session!.index, 0, buffer))!)).toBe('for a RECV');
    await device.closeSession(session!.index);
  });

  it('delivers what was written by a program that ended behind a peer that stood still, and then its end', async () => {
    // So little that the memory stays nearly full when it takes one more.
    const slow = await listen('127.0.0.1:0', { backend: 'user', readQueueBytes: 65_536 });
    const program = start([LEAVER, served.path, slow.addr.toString()]);
    const peer = await slow.accept();
    await program.printed(/full/);
    const got: number[] = [];
    const read = async (): Promise<boolean> => {
      const message = await peer.readMessage();
      if (message === null) return false;
      const first = message[0]!;
      got.push(message.length === 60_000 && message.every((byte) => byte === first) ? first : -1);
      return true;
    };
    while (!program.output.stdout.includes('taken')) {
      await read();
      // Slowly: what is read before the program has heard that there is room is not in the memory any more when it ends.
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    // Its CLOSE_SESS has begun, which waits 5 s for the peer.
    await until(async () => (await device.sessions()).every(({ state }) => state !== SessionState.ESTABLISHED));
    while (await read());
    expect(await program.ended).toBe(0);
    const taken = Number((await program.printed(/taken (\d+)/))[1]);
    expect(got).toEqual([...Array(taken).keys()].map((n) => n % 251));
    await until(async () => (await device.sessions()).length === 0);
    await slow.close();
  });

  it('lets a program run on, and write, while the device stands still', async () => {
    const program = start([WRITER, served.path, listener.addr.toString(), '1']);
    const peer = await listener.accept();
    await program.printed(/written/);
    expect(Buffer.from((await peer.readMessage())!).toString()).toBe('0');
    await until(() => ringsOf(served.pid) === 1);
    served.kill('SIGSTOP');
    program.child.stdin.write('meanwhile\n');
    await program.printed(/wrote meanwhile/);
    const ticks = program.output.stdout.match(/tick/g)?.length ?? 0;
    await program.printed(new RegExp(`(tick[^]*){${ticks + 5}}`));
    served.kill('SIGCONT');
    expect(Buffer.from((await peer.readMessage())!).toString()).toBe('meanwhile');
  });

  it('leaves nothing open with either process when it has ended, a hundred times', async () => {
    const before = { own: descriptors(process.pid), device: descriptors(served.pid) };
    for (let n = 0; n < 100; n += 1) {
      const conn = await dial(listener.addr.toString(), { backend: 'kernel', device: served.path });
      const peer = await listener.accept();
      await conn.writeMessage(String(n));
      expect(Buffer.from((await peer.readMessage())!).toString()).toBe(String(n));
      await conn.close();
      expect(await peer.readMessage()).toBeNull();
      await peer.close();
    }
    expect(await device.sessions()).toEqual([]);
    await until(() => descriptors(served.pid) <= before.device + 40);
    await until(() => descriptors(process.pid) <= before.own + 40);
  });

  it('has none where the device imitates the module', async () => {
    const strict = await serveDevice({ strictModule: true });
    try {
      const program = start([WRITER, strict.path, listener.addr.toString(), '3']);
      const peer = await listener.accept();
      await program.printed(/written/);
      for (let n = 0; n < 3; n += 1) expect(Buffer.from((await peer.readMessage())!).toString()).toBe(String(n));
      expect([ringsOf(program.child.pid!), ringsOf(strict.pid)]).toEqual([0, 0]);
      program.child.kill('SIGKILL');
      await program.ended;
    } finally {
      await strict.stop();
    }
  });
});
