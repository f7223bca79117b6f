import { describe, expect, it } from 'vitest';
import { nodeCrypto } from '../../../src/poolnode/crypto/node-crypto.js';
import { createClientHandshake } from '../../../src/poolnode/protocol/client-handshake.js';
import { PacketType } from '../../../src/poolnode/protocol/constants.js';
import { isSequenceCollision } from '../../../src/poolnode/protocol/sequence.js';
import type { Handshake } from '../../../src/poolnode/protocol/types.js';
import { CLIENT_BASE, failure, handshakes, SECOND, shake, Side, take, TELEMETRY } from './pair.js';
import { ScriptedModule } from './scripted-module.js';

const NOW = 5n * SECOND;

function started(): { client: Handshake; init: Uint8Array } {
  const { client } = handshakes();
  expect(client.advance(NOW)).toBeNull();
  return { client, init: take(client) };
}

/** A handshake with a module up to the RESPONSE, which the module has taken. */
function challenged(): { client: Handshake; module: ScriptedModule; challenge: Uint8Array } {
  const { client, init } = started();
  const module = new ScriptedModule(() => 1n << 61n);
  module.challenge(init);
  const challenge = module.take();
  client.receive(challenge);
  expect(client.advance(NOW)).toBeNull();
  module.receive(take(client));
  return { client, module, challenge };
}

describe('a client handshake', () => {
  it('begins with an INIT of our own first number and no session', () => {
    const { init, client } = started();
    expect(init.length).toBe(144);
    expect([...init.subarray(0, 4)]).toEqual([0x10, 0, 0, 0]);
    expect(Buffer.from(init).readBigUInt64BE(4)).toBe(CLIENT_BASE);
    expect(init.subarray(20, 36)).toEqual(new Uint8Array(16));
    expect(init.subarray(48, 80)).toEqual(new Uint8Array(32));
    expect(init.subarray(112)).toEqual(new Uint8Array(32));
    expect(client.state).toBe('INIT_SENT');
  });

  it('proves itself to a module and is established by its ACK', () => {
    const { client, module } = challenged();
    expect(client.state).toBe('CHALLENGED');
    const [response] = module.received;
    expect(response).toMatchObject({ type: PacketType.Response, flags: 0x21, seq: CLIENT_BASE + 1n, ack: 1n });
    module.send(PacketType.Ack);
    client.receive(module.take());
    const session = client.advance(NOW)!;
    expect(session.state).toBe('ESTABLISHED');
    expect([session.role, session.id]).toEqual(['client', module.id]);
    expect(session.next(NOW)).toBeNull();
    expect(session.counters).toMatchObject({
      packetsSent: 2n,
      packetsReceived: 2n,
      bytesSent: 304n,
      bytesReceived: 258n,
    });
  });

  it('takes a HEARTBEAT that overtakes the ACK as completion, and answers it', () => {
    const { client, module } = challenged();
    module.send(PacketType.Heartbeat, 0x40, 0, TELEMETRY);
    module.send(PacketType.Ack);
    module.data('hello', 3);
    client.receive(module.take());
    const side = new Side(client.advance(NOW)!);
    side.pump(NOW);
    expect(side.messages).toEqual([{ channel: 3, data: new Uint8Array(Buffer.from('hello')) }]);
    expect(side.session.peerTelemetry()).toMatchObject({ rttNs: 1n, configVersion: 9 });
    module.received.length = 0;
    module.receive(take(side.session));
    expect(module.received).toMatchObject([{ type: PacketType.Ack, ack: 1n << 61n }]);
  });

  it('inherits what came behind the last packet, also half a packet', () => {
    const { client, module } = challenged();
    module.send(PacketType.Ack);
    module.data('behind');
    const bytes = module.take();
    client.receive(bytes.subarray(0, 100));
    const session = client.advance(NOW)!;
    expect(session.next(NOW)).toBeNull();
    session.receive(bytes.subarray(100));
    expect(session.next(NOW)).toEqual({ type: 'message', channel: 0, data: new Uint8Array(Buffer.from('behind')) });
  });

  it('says the same however the bytes are cut', () => {
    const { client, init } = started();
    const module = new ScriptedModule(() => 1n << 61n);
    module.challenge(init);
    for (const byte of module.take()) {
      client.receive(Uint8Array.of(byte));
      client.advance(NOW);
    }
    module.receive(take(client));
    module.send(PacketType.Ack);
    const bytes = module.take();
    for (const byte of bytes.subarray(0, -1)) {
      client.receive(Uint8Array.of(byte));
      expect(client.advance(NOW)).toBeNull();
    }
    client.receive(bytes.subarray(-1));
    expect(client.advance(NOW)).not.toBeNull();
  });

  it('solves a hard puzzle in steps, and is busy meanwhile', () => {
    const { client, server } = handshakes({ difficulty: 15 });
    client.advance(NOW);
    server.receive(take(client));
    server.advance(NOW);
    client.receive(take(server));
    let steps = 0;
    do {
      expect(client.advance(NOW)).toBeNull();
      steps++;
    } while (client.busy);
    server.receive(take(client));
    expect(server.advance(NOW)).not.toBeNull();
    expect(steps).toBeLessThan(64 * 16);
  });

  it('sends less than 256 bytes of payload before it is established', () => {
    const { client, server } = handshakes();
    let longest = 0;
    shake(client, server, NOW, (bytes) => {
      if (bytes.length > 0) longest = Math.max(longest, bytes.length - 80);
      return [bytes];
    });
    expect(longest).toBeLessThanOrEqual(256);
  });

  it.each<[name: string, offset: number, value: number, code: string]>([
    ['another version', 0, 0x21, 'ERR_POOL_PROTOCOL'],
    ['another type', 0, 0x13, 'ERR_POOL_PROTOCOL'],
    ['a longer payload', 45, 99, 'ERR_POOL_PROTOCOL'],
    ['a shorter payload', 45, 97, 'ERR_POOL_PROTOCOL'],
    ['a payload of 64 KiB', 44, 0xff, 'ERR_POOL_PROTOCOL'],
    ['difficulty 264', 80 + 64, 1, 'ERR_POOL_PROTOCOL'],
    ['difficulty 21', 80 + 65, 21, 'ERR_POOL_PROTOCOL'],
  ])('refuses a CHALLENGE with %s, without sending anything', (_, offset, value, code) => {
    const { client, init } = started();
    const module = new ScriptedModule(() => 1n << 61n);
    module.challenge(init);
    const challenge = module.take();
    challenge[offset] = value;
    client.receive(challenge);
    expect(failure(() => client.advance(NOW)).code).toBe(code);
    expect(client.takeOutput()).toEqual([]);
    expect(client.state).toBe('CLOSING');
  });

  it('refuses a low-order public key as not authentic', () => {
    const { client, init } = started();
    const module = new ScriptedModule(() => 1n << 61n);
    module.challenge(init);
    client.receive(module.take().fill(0, 80, 112));
    expect(failure(() => client.advance(NOW)).code).toBe('ERR_POOL_AUTH_FAILED');
  });

  it('refuses a completion whose HMAC is wrong in any bit, and stays failed', () => {
    for (let bit = 0; bit < 640; bit += 5) {
      const { client, module } = challenged();
      module.send(PacketType.Ack);
      const ack = module.take();
      ack[bit >> 3]! ^= 0x80 >> (bit & 7);
      client.receive(ack);
      // An enlarged length waits for bytes that never come.
      if (bit >= 44 * 8 && bit < 46 * 8) {
        expect(client.advance(NOW)).toBeNull();
        continue;
      }
      const error = failure(() => client.advance(NOW));
      expect(error.code).toBe('ERR_POOL_AUTH_FAILED');
      expect(failure(() => client.advance(NOW))).toBe(error);
    }
  });

  it('gives a packet that stays incomplete 30 s', () => {
    const { client, init } = started();
    const module = new ScriptedModule(() => 1n << 61n);
    module.challenge(init);
    client.receive(module.take().subarray(0, 150));
    expect(client.nextTimeout()).toBeNull();
    expect(client.advance(NOW)).toBeNull();
    expect(client.nextTimeout()).toBe(NOW + 30n * SECOND);
    expect(client.advance(NOW + 30n * SECOND)).toBeNull();
    expect(failure(() => client.advance(client.nextTimeout()!)).message).toMatch(/not complete in time/);
  });

  it('says that a new draw helps where the base of a module comes too near', () => {
    const { client, init } = started();
    const module = new ScriptedModule(() => CLIENT_BASE + 1_000n);
    module.challenge(init);
    client.receive(module.take());
    client.advance(NOW);
    module.receive(take(client));
    module.send(PacketType.Ack);
    client.receive(module.take());
    expect(isSequenceCollision(failure(() => client.advance(NOW)))).toBe(true);
  });

  it('refuses a number that is none of 64 bits', () => {
    const config = { crypto: nodeCrypto(), initialSequence: 1n << 64n, timestampOffset: 0n };
    expect(failure(() => createClientHandshake(config)).code).toBe('ERR_OUT_OF_RANGE');
  });
});
