import { describe, expect, it } from 'vitest';
import type { Cryptography } from '../../src/poolnode/crypto/cryptography.js';
import { createClientHandshake } from '../../src/poolnode/protocol/client-handshake.js';
import { PacketType } from '../../src/poolnode/protocol/constants.js';
import { Framer, type Packet } from '../../src/poolnode/protocol/framer.js';
import { deriveHandshakeKeys } from '../../src/poolnode/protocol/keys.js';
import { Outbox } from '../../src/poolnode/protocol/outbox.js';
import { checkHeader, headerOf, PacketOpener, PacketWriter } from '../../src/poolnode/protocol/packet-codec.js';
import { readTelemetry } from '../../src/poolnode/protocol/telemetry.js';
import { OwnSequence } from '../../src/poolnode/protocol/sequence.js';
import { createServerHandshake } from '../../src/poolnode/protocol/server-handshake.js';
import type { Crypto, Session, SessionEvent } from '../../src/poolnode/protocol/types.js';
import { CRYPTOGRAPHIES } from '../poolnode/crypto/cryptographies.js';
import { readVectors, VECTOR_NAMES, type VectorFile } from './vector-file.js';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const ascii = (string: string): Uint8Array => new Uint8Array(Buffer.from(string, 'latin1'));
const sevens = (size: number): Uint8Array => Uint8Array.from({ length: size }, (_, i) => (i * 7 + 3) % 256);

function parse(frame: Uint8Array): Packet {
  const framer = new Framer();
  framer.push(frame);
  const packet = framer.next();
  if (packet === null || framer.partial) throw new Error('a frame of the vectors is not one packet');
  return packet;
}

function keysOf(vectors: VectorFile, { crypto, keyPair }: Cryptography) {
  const peer = parse(vectors.frames.find(({ dir }) => dir === 'rx')!.frame).copyPayload().slice(0, 32);
  const pair = keyPair(vectors.localPrivateKey);
  return { secret: pair.agree(peer), ...deriveHandshakeKeys(crypto, pair, peer, vectors.sessionId) };
}

/** The real crypto, but with the recorded private key. */
function cryptoOf(vectors: VectorFile, { crypto, keyPair }: Cryptography): Crypto {
  return { ...crypto, generateKeyPair: () => keyPair(vectors.localPrivateKey) };
}

function take(source: { takeOutput(): Uint8Array[] }): Uint8Array {
  return new Uint8Array(Buffer.concat(source.takeOutput()));
}

/** The frame with the sequence number blanked: INIT's and CHALLENGE's are small in the recording and are ours to choose. */
function withoutSeq(frame: Uint8Array): Uint8Array {
  return frame.slice().fill(0, 4, 12);
}

function events(session: Session, now: bigint): SessionEvent[] {
  const all: SessionEvent[] = [];
  for (let event = session.next(now); event !== null; event = session.next(now)) all.push(event);
  return all;
}

describe.each(CRYPTOGRAPHIES)('with the cryptography of kind $kind', (cryptography) => {
  describe.each(VECTOR_NAMES)('%s', (name) => {
    const vectors = readVectors(name);
    const keys = keysOf(vectors, cryptography);
    const opener = new PacketOpener();

    it('agrees on the recorded secret', () => {
      expect(keys.secret).toEqual(vectors.sharedSecret);
    });

    it('finds every frame under keys authentic and whole', () => {
      let sealed = 0;
      for (const { frame } of vectors.frames) {
        const packet = parse(frame);
        if (packet.header.type <= PacketType.Challenge) continue;
        expect(opener.authentic(keys.packet, packet)).toBe(true);
        expect(() => headerOf(vectors.sessionId)(packet.header)).not.toThrow();
        expect(() => checkHeader(packet)).not.toThrow();
        expect(opener.open(keys.packet, packet)).not.toBeNull();
        sealed++;
      }
      expect(sealed).toBe(vectors.frames.length - 2);
    });

    it('writes each frame of user space byte for byte', () => {
      for (const { dir, frame } of vectors.frames) {
        if (dir !== 'tx') continue;
        const packet = parse(frame);
        const { header } = packet;
        const outbox = new Outbox();
        const writer = new PacketWriter(outbox, new OwnSequence(header.seq), 0n);
        writer.sessionId = header.sessionId;
        writer.ack = header.ack;
        if (header.type <= PacketType.Challenge) {
          writer.writePlain(header.type, packet.copyPayload(), header.timestamp);
        } else {
          const plaintext = opener.open(keys.packet, packet)!;
          writer.write(keys.packet, header.type, header.flags & ~1, header.channel, plaintext, header.timestamp);
        }
        expect(Buffer.concat(outbox.take()).equals(frame)).toBe(true);
      }
    });
  });

  describe('a session in the place of the recorded user space', () => {
    it('client-fresh-slot: says the same bytes and is delivered the same messages', () => {
      const vectors = readVectors('client-fresh-slot');
      const frames = vectors.frames.map(({ frame }) => frame);
      const at = (index: number) => parse(frames[index]!).header.timestamp;
      const crypto = cryptoOf(vectors, cryptography);
      const first = parse(frames[2]!).header.seq - 1n;
      const handshake = createClientHandshake({ crypto, initialSequence: first, timestampOffset: 0n });

      expect(handshake.advance(at(0))).toBeNull();
      expect(withoutSeq(take(handshake))).toEqual(withoutSeq(frames[0]!));
      handshake.receive(frames[1]!);
      expect(handshake.advance(at(2))).toBeNull();
      // The RESPONSE's ack is the CHALLENGE's number, its solution the first that a counter finds: all determined.
      expect(take(handshake)).toEqual(frames[2]);
      handshake.receive(frames[3]!);
      const session = handshake.advance(at(4))!;
      expect(events(session, at(4))).toEqual([]);

      session.sendMessage(0, ascii('hello from user space'), at(4));
      session.sendMessage(5, ascii('on channel five'), at(5));
      session.sendMessage(0, new Uint8Array(65_519).fill(0x61), at(6));
      expect(Buffer.from(take(session)).equals(Buffer.concat(frames.slice(4, 7)))).toBe(true);

      session.receive(frames[7]!);
      session.receive(frames[8]!);
      expect(events(session, at(8))).toEqual([
        { type: 'message', channel: 0, data: ascii('hello from kernel') },
        { type: 'message', channel: 9, data: new Uint8Array(3000).fill(0x62) },
      ]);
      session.receive(frames[9]!);
      expect(events(session, at(10))).toEqual([]);
      expect(take(session)).toEqual(frames[10]);
      session.receive(frames[11]!);
      expect(events(session, at(12))).toEqual([]);
      expect(take(session)).toEqual(frames[12]);
      expect(session.peerTelemetry()).toMatchObject({ mtuCurrent: 1400, lossRatePpm: 2 });
    });

    it("client-reused-slot: puts the module's fragments together, echoes its probe, sees its CLOSE", () => {
      const vectors = readVectors('client-reused-slot');
      const rx = vectors.frames.filter(({ dir }) => dir === 'rx').map(({ frame }) => frame);
      const response = parse(vectors.frames[2]!.frame).header;
      const crypto = cryptoOf(vectors, cryptography);
      const handshake = createClientHandshake({ crypto, initialSequence: response.seq - 1n, timestampOffset: 0n });
      handshake.advance(0n);
      take(handshake);
      handshake.receive(rx[0]!);
      handshake.advance(response.timestamp);
      expect(take(handshake)).toEqual(vectors.frames[2]!.frame);
      handshake.receive(rx[1]!);
      const session = handshake.advance(response.timestamp)!;
      session.receive(rx[2]!);
      expect(events(session, 1n)).toEqual([]);
      const echo = parse(take(session));
      expect(echo.header.type).toBe(PacketType.Discover);
      expect(echo.header.flags).toBe(1);
      expect(echo.header.payloadLength).toBe(876);
      expect(session.telemetry(1n, 0).mtuCurrent).toBe(956);

      for (const frame of rx.slice(3)) session.receive(frame);
      expect(events(session, 2n)).toEqual([
        { type: 'message', channel: 0, data: ascii('hello from kernel') },
        { type: 'message', channel: 3, data: sevens(4000) },
        { type: 'closed' },
      ]);
    });

    it('server: answers the module that dials with the recorded bytes', () => {
      const vectors = readVectors('server');
      const frames = vectors.frames.map(({ frame }) => frame);
      const at = (index: number) => parse(frames[index]!).header.timestamp;
      const handshake = createServerHandshake({
        crypto: cryptoOf(vectors, cryptography),
        initialSequence: parse(frames[3]!).header.seq - 1n,
        timestampOffset: 0n,
        sessionId: vectors.sessionId,
        puzzleSeed: vectors.puzzleSeed!,
      });
      handshake.receive(frames[0]!);
      expect(handshake.advance(at(1))).toBeNull();
      expect(withoutSeq(take(handshake))).toEqual(withoutSeq(frames[1]!));
      handshake.receive(frames[2]!);
      const session = handshake.advance(at(3))!;
      expect(take(session)).toEqual(frames[3]);
      session.sendMessage(0, ascii('to kernel'), at(4));
      expect(take(session)).toEqual(frames[4]);
      session.receive(frames[5]!);
      const [message] = events(session, at(5));
      expect(message).toEqual({ type: 'message', channel: 0, data: ascii('from kernel') });
      session.sendMessage(0, ascii('echo'), at(6));
      expect(take(session)).toEqual(frames[6]);
    });

    it("server-reused-slot: takes an INIT that names the slot's last session, and answers with the recorded bytes", () => {
      const vectors = readVectors('server-reused-slot');
      const [init, challenge, response, ...later] = vectors.frames;
      const at = (frame: Uint8Array) => parse(frame).header.timestamp;
      expect(parse(init!.frame).header.sessionId).toEqual(new Uint8Array(16).fill(0xef));
      const handshake = createServerHandshake({
        crypto: cryptoOf(vectors, cryptography),
        initialSequence: parse(challenge!.frame).header.seq,
        timestampOffset: 0n,
        sessionId: vectors.sessionId,
        puzzleSeed: vectors.puzzleSeed!,
      });
      handshake.receive(init!.frame);
      expect(handshake.advance(at(challenge!.frame))).toBeNull();
      expect(take(handshake)).toEqual(challenge!.frame);
      handshake.receive(response!.frame);
      const session = handshake.advance(at(later[0]!.frame))!;
      expect(take(session)).toEqual(later[0]!.frame);
      session.sendMessage(0, ascii('to kernel'), at(later[1]!.frame));
      expect(take(session)).toEqual(later[1]!.frame);
      const all: SessionEvent[] = [];
      for (const { dir, frame } of later.slice(2)) {
        if (dir === 'rx') session.receive(frame);
        all.push(...events(session, at(frame)));
      }
      expect(all).toEqual([{ type: 'message', channel: 0, data: ascii('from kernel') }, { type: 'closed' }]);
    });
});

  describe('what the module said, in plain', () => {
    it('reports telemetry of 44 bytes, little-endian', () => {
      const vectors = readVectors('client-fresh-slot');
      const packet = parse(vectors.frames[9]!.frame);
      const plaintext = new PacketOpener().open(keysOf(vectors, cryptography).packet, packet)!;
      expect(plaintext.length).toBe(44);
      expect(readTelemetry(plaintext)).toEqual({
        rttNs: 115_327_884n,
        jitterNs: 52_150_725n,
        lossRatePpm: 2,
        throughputBps: 47_025,
        mtuCurrent: 1400,
        queueDepth: 0,
        uptimeNs: 2_395_904_977n,
        rekeyCount: 0,
        configVersion: 0,
      });
    });

    it('carries a fragment header even where one fragment is all', () => {
      const vectors = readVectors('server');
      const plaintext = new PacketOpener().open(keysOf(vectors, cryptography).packet, parse(vectors.frames[5]!.frame))!;
      expect(text(plaintext)).toBe('\0\0\0\0\0\0\0\x0bfrom kernel');
    });
  });
});
