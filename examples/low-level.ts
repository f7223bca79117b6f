/**
 * The device itself: the requests of pool.h, one by one, without the API above them. It needs /dev/pool or a device that
 * `npx pool-ts device` serves, and a POOL peer that echoes:
 *
 *   tsx examples/echo.ts --listen :9253
 *   tsx examples/low-level.ts 127.0.0.1 9253 /dev/pool
 *
 * Most programs want `dial` and `listen` instead: they wait, split, cancel and close as one expects.
 */
import { Device, ipv4ToMapped, PoolError, SessionState } from 'pool-ts/poolioc';

const [host = '127.0.0.1', port = '9253', path = '/dev/pool'] = process.argv.slice(2);

/** The module's handshakes fail by chance where a slot was used before: each try is a new draw, so `dial` tries again, too. */
async function connect(dev: Device): Promise<number> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await dev.connect({ peerAddr: ipv4ToMapped(host), peerPort: Number(port) });
    } catch (error) {
      const byChance = error instanceof PoolError && ['EIO', 'EINVAL', 'ECONNRESET', 'EPIPE'].includes(error.code);
      if (!byChance || tries === 8) throw error;
    }
  }
}

try {
  const dev = await Device.open(path);

  // CONNECT: TCP and handshake. It gives an index into the session table of the machine.
  const idx = await connect(dev);

  // SEND and RECV move one message each. RECV waits 5 s at most; null is that nothing came within the timeout.
  await dev.sendBytes(idx, 0, Buffer.from('hello POOL'));
  const buf = new Uint8Array(65535);
  const n = await dev.recvBytes(idx, 0, buf, { timeout: 5000 });
  console.log(`received ${n === null ? 'nothing' : Buffer.from(buf.subarray(0, n)).toString()}`);

  // CHANNEL: a bitmap of what is subscribed, bit c of byte c/8.
  await dev.channelSubscribe(idx, 5);
  const bitmap = await dev.channelList(idx);
  console.log(`channel 5 subscribed: ${((bitmap[0] ?? 0) & (1 << 5)) !== 0}`);

  // SESSIONS: the whole table, of which one row is ours.
  for (const { index, state, bytesSent, bytesRecv } of await dev.sessions()) {
    if (index !== idx) continue;
    const established = state === SessionState.ESTABLISHED;
    console.log(
      `session established: ${established}, ${bytesSent} bytes sent, headers included, ${bytesRecv} received`,
    );
  }

  // Closing the descriptor would leave the session in the table.
  await dev.closeSession(idx);
  await dev.close();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
