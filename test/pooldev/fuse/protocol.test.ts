/** By bytes: offsets and sizes are those that a C compiler prints for linux/fuse.h. */
import { describe, expect, it } from 'vitest';
import {
  decodeHeader,
  decodeInit,
  decodeInterrupt,
  decodeIoctl,
  decodeSetattr,
  encodeAttributes,
  encodeInit,
  encodeIoctl,
  encodeOpen,
  encodeReply,
  encodeStatfs,
} from '../../../src/pooldev/fuse/protocol.js';
import { fuseRequest } from '../fuse-request.js';

describe('requests', () => {
  it('reads the header where the kernel puts it', () => {
    const bytes = Buffer.alloc(40);
    bytes.writeUInt32LE(40, 0);
    bytes.writeUInt32LE(39, 4);
    bytes.writeBigUInt64LE(2n ** 63n + 1n, 8);
    bytes.writeBigUInt64LE(1n, 16);
    bytes.writeUInt32LE(1000, 24);
    bytes.writeUInt32LE(1001, 28);
    bytes.writeUInt32LE(4242, 32);
    expect(decodeHeader(bytes)).toEqual({ opcode: 39, unique: 2n ** 63n + 1n, uid: 1000, gid: 1001, pid: 4242 });
  });

  it.each([0, 1, 39])('drops %i bytes, which are no header', (length) => {
    expect(decodeHeader(Buffer.alloc(length))).toBeNull();
  });

  it('drops a request that is not as long as it says', () => {
    const bytes = fuseRequest(3, Buffer.alloc(16));
    expect(decodeHeader(bytes.subarray(0, 50))).toBeNull();
    expect(decodeHeader(Buffer.concat([bytes, Buffer.alloc(1)]))).toBeNull();
  });

  it('reads INIT, INTERRUPT, SETATTR', () => {
    const init = Buffer.alloc(64);
    [7, 45, 131072, 0xffff].forEach((value, at) => init.writeUInt32LE(value, 4 * at));
    expect(decodeInit(init)).toEqual({ major: 7, minor: 45, maxReadahead: 131072, flags: 0xffff });
    expect(decodeInit(init.subarray(0, 15))).toBeNull();

    const interrupt = Buffer.alloc(8);
    interrupt.writeBigUInt64LE(77n);
    expect(decodeInterrupt(interrupt)).toBe(77n);
    expect(decodeInterrupt(interrupt.subarray(1))).toBeNull();

    const setattr = Buffer.alloc(88);
    setattr.writeUInt32LE(7, 0);
    setattr.writeUInt32LE(0o100640, 68);
    setattr.writeUInt32LE(1, 76);
    setattr.writeUInt32LE(2, 80);
    expect(decodeSetattr(setattr)).toEqual({ valid: 7, mode: 0o100640, uid: 1, gid: 2 });
    expect(decodeSetattr(setattr.subarray(1))).toBeNull();
  });

  it('reads IOCTL, and refuses one that has less input than it says', () => {
    const body = Buffer.alloc(32 + 24, 9);
    body.writeUInt32LE(0x40185003, 12);
    body.writeUInt32LE(24, 24);
    body.writeUInt32LE(8, 28);
    expect(decodeIoctl(body)).toEqual({ command: 0x40185003, input: body.subarray(32), outputBytes: 8 });
    expect(decodeIoctl(body.subarray(0, 55))).toBeNull();
    expect(decodeIoctl(body.subarray(0, 31))).toBeNull();
    body.writeUInt32LE(0xffffffff, 24);
    expect(decodeIoctl(body)).toBeNull();
  });
});

describe('answers', () => {
  it('begin with their length, a negative errno and the request they belong to', () => {
    const bytes = encodeReply(2n ** 64n - 1n, -22);
    expect(bytes.toString('hex')).toBe('10000000eaffffffffffffffffffffff');
    expect(encodeReply(1n, 0, Buffer.from([1, 2])).toString('hex')).toBe(
      '1200000000000000' + '0100000000000000' + '0102',
    );
  });

  it('have the sizes of fuse.h', () => {
    const init = encodeInit({ major: 7, minor: 45, maxReadahead: 1, flags: 0xffffffff }, 4096);
    expect([init.length, init.readUInt32LE(0), init.readUInt32LE(4), init.readUInt32LE(20)]).toEqual([64, 7, 31, 4096]);
    expect(encodeOpen(5).toString('hex')).toBe('0000000000000000' + '05000000' + '00000000');
    expect(encodeStatfs()).toHaveLength(80);
    expect(encodeIoctl(-1, Buffer.from([7])).toString('hex')).toBe('ffffffff' + '00'.repeat(12) + '07');
  });

  it('show the attributes where stat(2) finds them', () => {
    const body = encodeAttributes({ mode: 0o100600, uid: 3, gid: 4, time: 5 }, 60);
    expect(body).toHaveLength(104);
    expect(body.readBigUInt64LE(0)).toBe(60n);
    expect([16 + 24, 16 + 32, 16 + 40].map((at) => body.readBigUInt64LE(at))).toEqual([5n, 5n, 5n]);
    expect([76, 80, 84, 88].map((at) => body.readUInt32LE(at))).toEqual([0o100600, 1, 3, 4]);
  });
});
