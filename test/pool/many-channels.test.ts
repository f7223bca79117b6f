/** Many sessions, each with all channels, at once: every message comes back on the channel on which it went. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Channel, type Conn, dial, type Listener, listen } from '../../src/index.js';
import { reached, timeout, tries } from '../reliability/figures.js';

const CHANNELS = Array.from({ length: 255 }, (_, index) => index + 1);
/** Bytes of a message. */
const SIZE = 1_024;

describe('64 sessions of 256 channels', () => {
  let listener: Listener;
  beforeAll(async () => {
    listener = await listen('127.0.0.1:0', { backend: 'user', channels: CHANNELS });
    void listener.serve(async (conn) => {
      const echo = async (flow: Conn | Channel) => {
        for await (const message of flow) await flow.writeMessage(message);
      };
      const channels = await Promise.all(CHANNELS.map((channel) => conn.openChannel(channel)));
      await Promise.all([echo(conn), ...channels.map(echo)]);
    });
  });
  afterAll(() => listener.close({ connections: 'destroy' }));

  it('echo, each channel its own', { timeout: timeout('R2') }, async () => {
    const wanted = tries('R2');
    const sessions = Math.max(1, Math.round(wanted / 256));
    const conns = await Promise.all(
      Array.from({ length: sessions }, () => dial(listener.addr, { backend: 'user', channels: CHANNELS })),
    );
    let flows = 0;
    await Promise.all(
      conns.map(async (conn, session) => {
        const channels = await Promise.all(CHANNELS.map((channel) => conn.openChannel(channel)));
        await Promise.all(
          [conn, ...channels].map(async (flow, channel) => {
            const text = `session ${session}, channel ${channel} `;
            const message = Buffer.from(text.repeat(Math.ceil(SIZE / text.length))).subarray(0, SIZE);
            await flow.writeMessage(message);
            expect(Buffer.compare((await flow.readMessage())!, message)).toBe(0);
            flows += 1;
          }),
        );
      }),
    );
    expect(flows).toBe(sessions * 256);
    for (const conn of conns) await conn.close();
    reached('R2', flows);
  });
});
