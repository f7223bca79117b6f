import { describe, expect, it } from 'vitest';
import {
  readChallenge,
  readFragmentHeader,
  readInit,
  readProbeSize,
  readRekey,
  readResponse,
  writeChallenge,
  writeFragment,
  writeInit,
  writeResponse,
} from '../../../src/poolnode/protocol/payloads.js';

const filled = (byte: number, size = 32): Uint8Array => new Uint8Array(size).fill(byte);

describe('payloads', () => {
  it('come back as they were written', () => {
    expect(readInit(writeInit(filled(1)))).toEqual({ publicKey: filled(1) });
    const challenge = { publicKey: filled(2), seed: filled(3), difficulty: 0x1234 };
    expect(readChallenge(writeChallenge(challenge))).toEqual(challenge);
    const response = { solution: filled(4), proof: filled(5) };
    expect(readResponse(writeResponse(response))).toEqual(response);
    const fragment = { messageId: 0xfedcba98, offset: 65_511, total: 65_535 };
    expect(readFragmentHeader(writeFragment(fragment, filled(6, 24)))).toEqual(fragment);
  });

  it('have the sizes and orders of pool.h', () => {
    expect(writeInit(filled(1)).length).toBe(64);
    const challenge = writeChallenge({ publicKey: filled(2), seed: filled(3), difficulty: 0x0108 });
    expect(challenge.length).toBe(98);
    expect([challenge[64], challenge[65]]).toEqual([1, 8]);
    expect(writeResponse({ solution: filled(4), proof: filled(5) }).length).toBe(64);
    expect([...writeFragment({ messageId: 1, offset: 2, total: 3 }, filled(9, 1))]).toEqual([
      0, 0, 0, 1, 0, 2, 0, 3, 9,
    ]);
  });

  it.each([
    ['INIT', readInit, 64],
    ['CHALLENGE', readChallenge, 98],
    ['RESPONSE', readResponse, 64],
    ['REKEY', readRekey, 32],
  ])('%s is refused at any other size', (name, read, size) => {
    expect(() => read(new Uint8Array(size))).not.toThrow();
    for (const wrong of [0, size - 1, size + 1]) {
      expect(() => read(new Uint8Array(wrong))).toThrowError(`${name} carries ${wrong} bytes instead of ${size}`);
    }
  });

  it('give copies, which stay when the packet goes', () => {
    const payload = writeInit(filled(1));
    const { publicKey } = readInit(payload);
    payload.fill(0);
    expect(publicKey).toEqual(filled(1));
  });

  it('name a probe size in two bytes, or none', () => {
    expect(readProbeSize(Uint8Array.of(0x05, 0x6a, 0))).toBe(1386);
    expect(readProbeSize(Uint8Array.of(5))).toBeNull();
  });

  it('refuse a fragment without room for its header', () => {
    expect(() => readFragmentHeader(new Uint8Array(7))).toThrowError(/shorter than its header/);
  });
});
