import { describe, expect, it } from 'vitest';
import { be16, be32, be64, bytes, tsRef, u16, u32, u64, u8, type RefType } from '../../../src/poolioc/abi/ref-types.js';

const cases: [RefType<number> | RefType<bigint>, number | bigint, string][] = [
  [u8, 0xfe, 'fe'],
  [u16, 0x1234, '3412'],
  [u32, 0x12345678, '78563412'],
  [u64, 0x0102030405060708n, '0807060504030201'],
  [be16, 0x1234, '1234'],
  [be32, 0x12345678, '12345678'],
  [be64, 0x0102030405060708n, '0102030405060708'],
];

describe('types in ref protocol', () => {
  it.each(cases)('%o keeps its value and its byte order', (type, value, hex) => {
    const buffer = Buffer.alloc(type.size + 3);
    (type as RefType).set(buffer, 3, value);
    expect(buffer.subarray(3).toString('hex')).toBe(hex);
    expect(buffer.subarray(0, 3).toString('hex')).toBe('000000');
    expect(type.get(buffer, 3)).toBe(value);
    expect(type.alignment).toBe(type.size);
  });

  it('has byte arrays without alignment', () => {
    const type = bytes(3);
    const buffer = Buffer.alloc(5);
    type.set(buffer, 1, Uint8Array.of(1, 2, 3));
    expect([...buffer]).toEqual([0, 1, 2, 3, 0]);
    expect(type).toMatchObject({ size: 3, alignment: 1 });
    expect(() => type.set(buffer, 1, new Uint8Array(4))).toThrow(RangeError);
  });

  it('refuses type names, which the layouts never use', () => {
    expect(() => tsRef.coerceType('int')).toThrow(TypeError);
  });
});
