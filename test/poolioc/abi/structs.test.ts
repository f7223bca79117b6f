import { describe, expect, it } from 'vitest';
import { loadRef } from '../../../src/poolioc/abi/ref.js';
import { tsRef } from '../../../src/poolioc/abi/ref-types.js';
import { offsetsOf, structsOver, type StructLayout } from '../../../src/poolioc/abi/structs.js';
import type { RefType } from '../../../src/poolioc/abi/ref-types.js';
import layout from '../layout.json' with { type: 'json' };

/** The numbers of layout.json were printed by a C compiler from pool.h (docs/kernel-contract.md, section 1). */
const native = loadRef();

describe.each([
  { name: native.name, structs: structsOver(native.ref) },
  { name: 'the types in TypeScript', structs: structsOver(tsRef) },
])('structs over $name', ({ structs }) => {
  it.each(Object.entries(layout))('%s has the size and the offsets that C has', (name, expected) => {
    const struct = structs[name as keyof typeof structs] as unknown as StructLayout<Record<string, RefType>>;
    expect(struct.size).toBe(expected.size);
    expect(offsetsOf(struct)).toEqual(expected.offsets);
  });

  it('mirrors every struct of pool.h', () => {
    expect(Object.keys(structs).sort()).toEqual(Object.keys(layout).sort());
  });

  const u64Fields = Object.entries(structs).flatMap(([name, struct]) =>
    Object.entries((struct as unknown as StructLayout<Record<string, RefType>>).fields)
      .filter(([, { type }]) => type.size === 8 && type.indirection === 1 && /64$/.test(type.name))
      .map(([field]) => [name, field] as const),
  );

  it('has u64 fields to try', () => expect(u64Fields.length).toBe(18));

  it.each(u64Fields)('%s.%s carries 64 bits', (name, field) => {
    const Struct = structs[name as keyof typeof structs] as unknown as StructLayout<Record<string, RefType>>;
    for (const value of [0n, 2n ** 53n + 1n, 2n ** 64n - 1n]) {
      const struct = new Struct({ [field]: value });
      expect(struct[field]).toBe(value);
      expect(new Struct(struct.ref()).toObject()[field]).toBe(value);
    }
    expect(() => new Struct({ [field]: 2n ** 64n })).toThrow(RangeError);
    expect(() => new Struct({ [field]: 1 })).toThrow(TypeError);
  });

  it('reads and writes nested telemetry in place', () => {
    const info = new structs.SessionInfo();
    info.telemetry = { ...new structs.Telemetry().toObject(), uptimeNs: 2n ** 53n + 1n, configVersion: 7 };
    expect(info.ref().readBigUInt64LE(76 + 28)).toBe(2n ** 53n + 1n);
    expect(info.ref().readUInt32LE(76 + 40)).toBe(7);
    expect(info.telemetry.uptimeNs).toBe(2n ** 53n + 1n);
  });

  it('takes byte arrays of the right length only, and gives copies', () => {
    const request = new structs.ConnectReq({ peerAddr: new Uint8Array(16).fill(7) });
    const read = request.peerAddr;
    request.ref().fill(0);
    expect(read).toEqual(new Uint8Array(16).fill(7));
    expect(() => new structs.ConnectReq({ peerAddr: new Uint8Array(15) })).toThrow(/16 bytes, got 15/);
  });

  it('writes the wire structs in network order', () => {
    const header = new structs.Header({ verType: 0x13, flags: 0x0021, seq: 0x0102030405060708n, payloadLen: 0x1234 });
    expect(header.ref().subarray(0, 12).toString('hex')).toBe('130000210102030405060708');
    expect(header.ref().subarray(44, 46).toString('hex')).toBe('1234');
  });
});
