import { describe, expect, it } from 'vitest';
import { nodeCrypto } from '../../../src/poolnode/crypto/node-crypto.js';
import { Flag, PacketType } from '../../../src/poolnode/protocol/constants.js';
import { createServerHandshake } from '../../../src/poolnode/protocol/server-handshake.js';
import type { Crypto, Handshake } from '../../../src/poolnode/protocol/types.js';
import { failure, handshakes, SECOND, SERVER_BASE, Side, take } from './pair.js';
import { ScriptedModule } from './scripted-module.js';
import { changed, mac } from './sealing.js';

const NOW = 5n * SECOND;

function dialled(crypto: Crypto = nodeCrypto()): { server: Handshake; module: ScriptedModule; challenge: Uint8Array } {
  const { server } = handshakes({ difficulty: 8, crypto });
  const module = new ScriptedModule(() => 1n << 61n);
  module.init();
  server.receive(module.take());
  expect(server.advance(NOW)).toBeNull();
  return { server, module, challenge: take(server) };
}

describe('a server handshake', () => {
  it('answers INIT with a CHALLENGE that names the session', () => {
    const { challenge, server } = dialled();
    expect(challenge.length).toBe(178);
    expect(challenge[0]).toBe(0x11);
    expect(Buffer.from(challenge).readBigUInt64BE(4)).toBe(SERVER_BASE);
    expect(Buffer.from(challenge).readBigUInt64BE(12)).toBe(1n);
    expect(challenge.subarray(20, 36)).not.toEqual(new Uint8Array(16));
    expect(challenge.subarray(48, 80)).toEqual(new Uint8Array(32));
    expect(Buffer.from(challenge).readUInt16BE(80 + 64)).toBe(8);
    expect(server.state).toBe('CHALLENGED');
  });

  it('is established by RESPONSE and acknowledges it', () => {
    const { server, module, challenge } = dialled();
    module.response(challenge);
    server.receive(module.take());
    const session = server.advance(NOW)!;
    expect([session.state, session.role]).toEqual(['ESTABLISHED', 'server']);
    module.receive(take(session));
    expect(module.received).toMatchObject([{ type: PacketType.Ack, flags: 0, seq: SERVER_BASE + 1n, ack: 1n << 61n }]);
    expect(session.next(NOW)).toBeNull();
    expect(session.counters).toMatchObject({
      packetsSent: 2n,
      packetsReceived: 2n,
      bytesReceived: 288n,
      bytesSent: 258n,
    });
  });

  it('uses the session id and the seed it is given, else draws them', () => {
    const sessionId = new Uint8Array(16).fill(0xcd);
    const puzzleSeed = new Uint8Array(32).fill(3);
    const given = createServerHandshake({
      crypto: nodeCrypto(),
      initialSequence: SERVER_BASE,
      timestampOffset: 0n,
      sessionId,
      puzzleSeed,
    });
    const module = new ScriptedModule(() => 1n << 61n);
    module.init();
    given.receive(module.take());
    given.advance(NOW);
    const challenge = take(given);
    expect(challenge.subarray(20, 36)).toEqual(sessionId);
    expect(challenge.subarray(112, 144)).toEqual(puzzleSeed);
    expect(dialled().challenge.subarray(20, 36)).not.toEqual(dialled().challenge.subarray(20, 36));
  });

  it('parks what overtakes RESPONSE and delivers it after', () => {
    const { server, module, challenge } = dialled();
    module.response(challenge, () => {
      module.send(PacketType.Heartbeat);
      module.data('early', 7);
    });
    module.data('late', 7);
    server.receive(module.take());
    const side = new Side(server.advance(NOW)!);
    side.pump(NOW);
    expect(side.messages.map(({ data }) => Buffer.from(data).toString())).toEqual(['early', 'late']);
    module.receive(take(side.session));
    // The RESPONSE's ACK, then the HEARTBEAT's.
    expect(module.received.map(({ type, ack }) => [type, ack])).toEqual([
      [PacketType.Ack, (1n << 61n) + 2n],
      [PacketType.Ack, 1n << 61n],
    ]);
  });

  it('parks four packets of 256 bytes, and neither more nor longer ones', () => {
    for (const [count, size, fits] of [
      [4, 240, true],
      [5, 1, false],
      [1, 241, false],
    ] as const) {
      const { server, module, challenge } = dialled();
      module.response(challenge, () => {
        for (let i = 0; i < count; i++) module.send(PacketType.Data, Flag.RequireAck, 0, new Uint8Array(size));
      });
      server.receive(module.take());
      if (fits) expect(server.advance(NOW)).not.toBeNull();
      else expect(failure(() => server.advance(NOW)).code).toBe('ERR_POOL_PROTOCOL');
    }
  });

  it('trusts nothing parked whose HMAC is wrong', () => {
    const { server, module, challenge } = dialled();
    module.response(challenge, () => module.data('early'));
    const bytes = module.take();
    bytes[90]! ^= 1;
    server.receive(bytes);
    expect(failure(() => server.advance(NOW)).code).toBe('ERR_POOL_AUTH_FAILED');
  });

  it('fails alike for any flipped bit of RESPONSE, after making every check', () => {
    let verdict: string | undefined;
    for (let bit = 0; bit < 160 * 8; bit += 7) {
      let compared = 0;
      let verified = 0;
      let hashed = 0;
      const real = nodeCrypto();
      const counting: Crypto = {
        ...real,
        equal: (a, b) => (compared++, real.equal(a, b)),
        sha256: (...pieces) => (hashed++, real.sha256(...pieces)),
        packetCrypto: (sessionKey, hmacKey) => {
          const keys = real.packetCrypto(sessionKey, hmacKey);
          return changed(keys, { verify: (...what) => (verified++, keys.verify(...what)) });
        },
      };
      const { server, module, challenge } = dialled(counting);
      module.response(challenge);
      const response = module.take();
      response[bit >> 3]! ^= 0x80 >> (bit & 7);
      server.receive(response);
      const shape = bit < 8 || (bit >= 44 * 8 && bit < 46 * 8);
      if (shape) {
        // Version, type and length decide what is read at all; no flip of them leads to a session.
        let outcome: unknown = null;
        try {
          outcome = server.advance(NOW);
        } catch {
          continue;
        }
        expect(outcome).toBeNull();
        continue;
      }
      const error = failure(() => server.advance(NOW));
      expect(error.code).toBe('ERR_POOL_AUTH_FAILED');
      verdict ??= error.message;
      expect(error.message).toBe(verdict);
      expect([verified, compared, hashed]).toEqual([1, 1, 1]);
      expect(server.takeOutput()).toEqual([]);
    }
  });

  it('gives the same verdict on a wrong puzzle solution, a wrong proof and a wrong tag', () => {
    const spoiled = (at: number) => (payload: Uint8Array) => void (payload[at]! ^= 0xff);
    const messages = new Set<string>();
    for (const fault of ['solution', 'proof', 'tag']) {
      const { server, module, challenge } = dialled();
      const alter = fault === 'tag' ? undefined : spoiled(fault === 'solution' ? 20 : 63);
      module.response(challenge, undefined, alter);
      const response = module.take();
      if (fault === 'tag') {
        // Authenticated anew, so that only the tag is wrong.
        response[response.length - 1]! ^= 1;
        response.fill(0, 48, 80);
        response.set(mac(module.keys!, response), 48);
      }
      server.receive(response);
      const error = failure(() => server.advance(NOW));
      expect(error.code).toBe('ERR_POOL_AUTH_FAILED');
      messages.add(error.message);
    }
    expect(messages.size).toBe(1);
  });

  it.each<[name: string, offset: number, value: number]>([
    ['another version', 0, 0x20],
    ['another type', 0, 0x12],
    ['another length', 45, 65],
    ['64 KiB', 44, 0xff],
    ['the first bytes of an HTTP request', 0, 0x47],
  ])('refuses an INIT with %s', (_, offset, value) => {
    const { server } = handshakes();
    const module = new ScriptedModule(() => 1n << 61n);
    module.init();
    const init = module.take();
    init[offset] = value;
    server.receive(init);
    expect(failure(() => server.advance(NOW)).code).toBe('ERR_POOL_PROTOCOL');
    expect(server.takeOutput()).toEqual([]);
  });

  // 20 to 35: the session id, where a module leaves that of its slot's last session.
  it.each([12, 20, 35, 36, 43, 48, 79, 1, 47, 4])('does not act on byte %i of INIT', (offset) => {
    const { server } = handshakes();
    const module = new ScriptedModule(() => 1n << 61n);
    module.init();
    const init = module.take();
    init[offset]! ^= 0x40;
    server.receive(init);
    expect(server.advance(NOW)).toBeNull();
    expect(take(server).length).toBe(178);
  });

  it.each([-1, 21, 1.5])('refuses to ask for a difficulty of %d', (difficulty) => {
    expect(failure(() => handshakes({ difficulty })).code).toBe('ERR_OUT_OF_RANGE');
  });

  it('makes no key agreement before RESPONSE is there', () => {
    let agreed = 0;
    const real = nodeCrypto();
    const counting: Crypto = {
      ...real,
      generateKeyPair: () => {
        const pair = real.generateKeyPair();
        return { publicKey: pair.publicKey, agree: (key) => (agreed++, pair.agree(key)), dispose: () => {} };
      },
    };
    const { server, module, challenge } = dialled(counting);
    expect(agreed).toBe(0);
    module.response(challenge);
    server.receive(module.take());
    server.advance(NOW);
    expect(agreed).toBe(1);
  });
});
