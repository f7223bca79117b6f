import { describe, expect, it } from 'vitest';
import { ipv4ToMapped, isV4Mapped, mappedToIpv4 } from '../../../src/poolioc/abi/mapped.js';

describe('IPv4-mapped addresses', () => {
  it.each(['0.0.0.0', '10.0.0.1', '127.0.0.1', '255.255.255.255'])('maps %s and back', (address) => {
    const mapped = ipv4ToMapped(address);
    expect(Buffer.from(mapped).toString('hex').slice(0, 24)).toBe('00000000000000000000ffff');
    expect(isV4Mapped(mapped)).toBe(true);
    expect(mappedToIpv4(mapped)).toBe(address);
  });

  it.each(['', '1.2.3', '1.2.3.4.5', '256.0.0.1', '01.2.3.4', '0x1.2.3.4', '::1', '1.2.3.4 ', ' 1.2.3.4', '1..2.3'])(
    'refuses %j',
    (address) => {
      expect(() => ipv4ToMapped(address)).toThrow(expect.objectContaining({ code: 'ERR_POOL_INVALID_ADDRESS' }));
    },
  );

  it('refuses what is no string', () => {
    expect(() => ipv4ToMapped(1 as unknown as string)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
  });

  it('tells other addresses apart', () => {
    const loopback = new Uint8Array(16);
    loopback[15] = 1;
    expect(isV4Mapped(loopback)).toBe(false);
    expect(mappedToIpv4(loopback)).toBeNull();
    expect(isV4Mapped(new Uint8Array(4))).toBe(false);
  });
});
