/** Connections that never finish a handshake: bounded in number, cheap to hold, and gone without a trace. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dial, type Listener, listen } from '../../src/index.js';
import { reached, timeout, tries } from '../reliability/figures.js';

/** Sources: 127.0.0.0/8 is all this machine's. */
const sourceOf = (index: number): string => `127.${1 + (index % 200)}.${1 + (Math.floor(index / 200) % 200)}.1`;

const descriptors = (): number => readdirSync('/proc/self/fd').length;

describe.runIf(process.platform === 'linux')('connections that never finish their handshake', () => {
  let listener: Listener;
  let sockets: Socket[] = [];
  let accepted = 0;
  const accepts = (): void => void (accepted += 1);
  beforeEach(() => {
    accepted = 0;
    subscribe('net.server.socket', accepts);
  });
  afterEach(async () => {
    unsubscribe('net.server.socket', accepts);
    for (const socket of sockets) socket.destroy();
    sockets = [];
    await listener.close({ connections: 'destroy' });
  });

  it('are bounded and let others in; when they are gone, so is all that they held', {
    timeout: timeout('H2', 120_000),
  }, async () => {
    // Each takes two descriptors here: this process is both ends.
    const wanted = tries('H2');
    const pending = Math.min(256, Math.ceil(wanted / 4));
    listener = await listen('127.0.0.1:0', { backend: 'user', handshakes: { pending, started: pending } });
    const before = descriptors();
    let open = 0;
    for (let index = 0; index < wanted; index++) {
      const { address: host, port } = listener.addr;
      const socket = connect({ host, port, localAddress: sourceOf(index) });
      socket.on('error', () => undefined).on('connect', () => (open += 1));
      socket.resume();
      sockets.push(socket);
      // No faster than they are accepted: of more than a backlog the system forgets some, and they wait for ever.
      while (accepted < index - 100) await new Promise((resolve) => setImmediate(resolve));
    }
    await expect.poll(() => open, { timeout: 60_000 }).toBe(wanted);
    const held = (): number => sockets.filter(({ closed }) => !closed).length;
    await expect.poll(held, { timeout: 60_000 }).toBeLessThanOrEqual(pending);
    const honest = await dial(listener.addr, { backend: 'user' });
    await honest.writeMessage('in');
    expect((await (await listener.accept()).readMessage())!.length).toBe(2);
    honest.destroy();
    for (const socket of sockets.splice(0)) socket.destroy();
    await expect.poll(descriptors, { timeout: 60_000 }).toBeLessThanOrEqual(before);
    reached('H2', wanted);
  });
});
