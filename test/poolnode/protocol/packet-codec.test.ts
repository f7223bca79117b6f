import { describe, expect, it } from 'vitest';
import { nodeCrypto } from '../../../src/poolnode/crypto/node-crypto.js';
import { Flag, PacketType } from '../../../src/poolnode/protocol/constants.js';
import { Framer, type Packet } from '../../../src/poolnode/protocol/framer.js';
import { writeHmac } from '../../../src/poolnode/protocol/header.js';
import { Outbox } from '../../../src/poolnode/protocol/outbox.js';
import { unauthentic } from '../../../src/poolnode/protocol/faults.js';
import { checkHeader, headerOf, PacketOpener, PacketWriter } from '../../../src/poolnode/protocol/packet-codec.js';
import { OwnSequence } from '../../../src/poolnode/protocol/sequence.js';
import { concat } from './pair.js';
import { changed, mac } from './sealing.js';
import { writeHeader } from './write-header.js';

const crypto = nodeCrypto();
const ID = new Uint8Array(16).fill(0xab);
const keys = crypto.packetCrypto(new Uint8Array(32).fill(1), new Uint8Array(32).fill(2));
const opener = new PacketOpener();

function writer(first = 1n << 40n, offset = 0n): { outbox: Outbox; writer: PacketWriter } {
  const outbox = new Outbox();
  const packets = new PacketWriter(outbox, new OwnSequence(first), offset);
  packets.sessionId = ID;
  return { outbox, writer: packets };
}

function parse(bytes: Uint8Array): Packet {
  const framer = new Framer();
  framer.push(bytes);
  return framer.next()!;
}

describe('PacketWriter', () => {
  it.each([1, 16, 4_000, 4_080, 4_081, 65_519])('writes %i bytes that open again', (size) => {
    const { outbox, writer: packets } = writer();
    const plaintext = new Uint8Array(size).fill(5);
    expect(packets.write(keys, PacketType.Data, Flag.RequireAck, 9, plaintext, 7n)).toBe(96 + size);
    const packet = parse(concat(outbox.take()));
    expect(packet.header).toMatchObject({ version: 1, type: 3, flags: 0x21, channel: 9, payloadLength: size + 16 });
    expect(opener.authentic(keys, packet)).toBe(true);
    expect(Buffer.from(opener.open(keys, packet)!).equals(plaintext)).toBe(true);
  });

  it('seals into the memory that leaves, a packet behind the other', () => {
    const into: Uint8Array[] = [];
    const noting = changed(keys, {
      seal: (nonce, plaintext, out, at) => {
        into.push(out);
        keys.seal(nonce, plaintext, out, at);
      },
    });
    const { outbox, writer: packets } = writer();
    for (const size of [60_000, 64, 60_000]) packets.write(noting, PacketType.Data, 0, 0, new Uint8Array(size), 0n);
    const pieces = outbox.take();
    expect(pieces.map((piece) => piece.length)).toEqual([120_352]);
    expect(into.map((memory) => memory.buffer)).toEqual([pieces[0]!.buffer, pieces[0]!.buffer, pieces[0]!.buffer]);
  });

  it('leaves nothing of a packet that could not be sealed', () => {
    const { outbox, writer: packets } = writer();
    packets.write(keys, PacketType.Data, 0, 0, new Uint8Array(10), 0n);
    const broken = changed(keys, {
      sign: () => {
        throw new Error('no HMAC');
      },
    });
    expect(() => packets.write(broken, PacketType.Data, 0, 0, new Uint8Array(99), 0n)).toThrowError(/no HMAC/);
    packets.write(keys, PacketType.Data, 0, 0, new Uint8Array(10), 0n);
    const bytes = concat(outbox.take());
    expect(bytes).toHaveLength(2 * 106);
    for (const at of [0, 106]) expect(opener.authentic(keys, parse(bytes.subarray(at, at + 106)))).toBe(true);
  });

  it('neither encrypts nor flags an empty payload', () => {
    const { outbox, writer: packets } = writer();
    packets.write(keys, PacketType.Ack, 0, 0, new Uint8Array(0), 0n);
    const packet = parse(concat(outbox.take()));
    expect(packet.header).toMatchObject({ flags: 0, payloadLength: 0 });
    expect(opener.authentic(keys, packet)).toBe(true);
    expect(opener.open(keys, packet)).toEqual(new Uint8Array(0));
  });

  it('counts up by one, carries the ack, and adds the offset to the time', () => {
    const { outbox, writer: packets } = writer(5n, 1_000n);
    packets.writePlain(PacketType.Init, new Uint8Array(64), 1n);
    packets.ack = 77n;
    packets.write(keys, PacketType.Ack, 0, 0, new Uint8Array(0), 2n);
    const bytes = concat(outbox.take());
    const [first, second] = [parse(bytes.subarray(0, 144)).header, parse(bytes.subarray(144)).header];
    const seen = [first.seq, first.timestamp];
    expect(seen).toEqual([5n, 1_001n]);
    expect([second.seq, second.ack, second.timestamp]).toEqual([6n, 77n, 1_002n]);
  });

  it.each([0n, (1n << 53n) + 1n, (1n << 63n) - 1n, (1n << 64n) - 1n])(
    'takes the number %d into the nonce, little-endian after 4 bytes of the HMAC key',
    (seq) => {
      const nonces: string[] = [];
      const noting = changed(keys, {
        seal: (nonce, plaintext, out, at) => {
          nonces.push(Buffer.from(nonce).toString('hex'));
          keys.seal(nonce, plaintext, out, at);
        },
      });
      writer(seq).writer.write(noting, PacketType.Data, 0, 0, new Uint8Array(1), 0n);
      const expected = Buffer.alloc(12, 2);
      expected.writeBigUInt64LE(seq, 4);
      expect(nonces).toEqual([expected.toString('hex')]);
    },
  );

  it('uses no nonce twice, and stops where it would have to', () => {
    const { writer: packets } = writer((1n << 64n) - 2n);
    const send = (): number => packets.write(keys, PacketType.Data, 0, 0, new Uint8Array(1), 0n);
    send();
    send();
    expect(send).toThrowError(/used up/);
  });
});

describe('checkHeader', () => {
  function sealed(changes: {
    flags?: number;
    size?: number;
    version?: number;
    reserved?: number;
    id?: Uint8Array;
  }): Packet {
    const size = changes.size ?? 17;
    const bytes = new Uint8Array(80 + size);
    const fields = { type: 3, seq: 1n, ack: 0n, timestamp: 0n, channel: 0, payloadLength: size };
    const flags = changes.flags ?? Flag.Encrypted;
    writeHeader(bytes, 0, { ...fields, flags, sessionId: changes.id ?? ID });
    if (changes.version !== undefined) bytes[0] = (changes.version << 4) | 3;
    if (changes.reserved !== undefined) bytes[changes.reserved] = 1;
    writeHmac(bytes, 0, mac(keys, bytes));
    return parse(bytes);
  }

  it.each<[rule: string, changes: Parameters<typeof sealed>[0]]>([
    ['compressed', { flags: Flag.Encrypted | Flag.Compressed }],
    ['compressed', { flags: Flag.Compressed, size: 0 }],
    ['not encrypted', { flags: Flag.RequireAck }],
    ['shorter than its tag', { size: 15 }],
  ])('refuses %s: %j', (rule, changes) => {
    const packet = sealed(changes);
    expect(opener.authentic(keys, packet)).toBe(true);
    expect(() => checkHeader(packet)).toThrowError(
      expect.objectContaining({ code: 'ERR_POOL_PROTOCOL', message: expect.stringContaining(rule) as string }),
    );
  });

  it.each([{}, { size: 0, flags: 0 }, { size: 16 }, { flags: 0x3fd }])('lets %j pass', (changes) => {
    const packet = sealed(changes);
    expect(() => headerOf(ID)(packet.header)).not.toThrow();
    expect(() => checkHeader(packet)).not.toThrow();
  });

  it.each([{ version: 2 }, { id: new Uint8Array(16) }, { reserved: 1 }, { reserved: 47 }])(
    'takes a header of %j for none of its session, and says no more of it than of a wrong HMAC',
    (changes) => {
      const { header } = sealed(changes);
      expect(() => headerOf(ID)(header)).toThrowError(unauthentic());
      expect(() => headerOf(ID)(header)).toThrowError(
        expect.objectContaining({ code: 'ERR_POOL_AUTH_FAILED' }) as Error,
      );
    },
  );
});
