import { describe, expect, it } from 'vitest';
import {
  SAFE_PAYLOAD,
  checkBuffer,
  checkChannel,
  checkConnect,
  checkData,
  checkFlags,
  checkCallOptions,
  checkPort,
  checkSession,
} from '../../src/poolioc/arguments.js';
import { AF_INET, AF_INET6 } from '../../src/poolioc/abi/constants.js';
import { ipv4ToMapped } from '../../src/poolioc/abi/mapped.js';

const refuses = (call: () => unknown, code: string): void => expect(call).toThrow(expect.objectContaining({ code }));
const ipv6 = (first: number, second: number): Uint8Array => Uint8Array.of(first, second, ...new Uint8Array(13), 1);

describe('what a device refuses before any I/O', () => {
  it.each([
    ['the session index', checkSession, 0, 63],
    ['the channel', checkChannel, 0, 255],
    ['flags', checkFlags, 0, 255],
    // LISTEN of port 0 opens a port that can't be learned.
    ['the port', checkPort, 1, 65535],
  ])('%s beyond its bounds', (_, check, min, max) => {
    expect(check(min)).toBe(min);
    expect(check(max)).toBe(max);
    for (const value of [min - 1, max + 1, 0.5, NaN, Infinity]) refuses(() => check(value), 'ERR_OUT_OF_RANGE');
    for (const value of ['1', 1n, null, undefined, {}]) refuses(() => check(value), 'ERR_INVALID_ARG_TYPE');
  });

  it('messages that are empty, too large, or no bytes', () => {
    expect(checkData(new Uint8Array(65535), false)).toHaveLength(65535);
    expect(checkData(new Uint8Array(SAFE_PAYLOAD), true)).toHaveLength(65511);
    refuses(() => checkData(new Uint8Array(0), false), 'ERR_OUT_OF_RANGE');
    refuses(() => checkData(new Uint8Array(65536), false), 'ERR_POOL_MESSAGE_TOO_LARGE');
    // Kernel contract, hazard 6.
    refuses(() => checkData(new Uint8Array(65512), true), 'ERR_POOL_MESSAGE_TOO_LARGE');
    refuses(() => checkData('text', false), 'ERR_INVALID_ARG_TYPE');
    refuses(() => checkBuffer(new Uint8Array(0)), 'ERR_OUT_OF_RANGE');
    expect(checkBuffer(new ArrayBuffer(4))).toHaveLength(4);
    refuses(() => checkBuffer(new Float64Array(1)), 'ERR_INVALID_ARG_TYPE');
  });

  it('dials IPv4 with AF_INET6, and no other family', () => {
    const peerAddr = ipv4ToMapped('10.0.0.1');
    // Kernel contract, hazard 1.
    expect(checkConnect({ peerAddr, peerPort: 9253, addrFamily: AF_INET }).addrFamily).toBe(AF_INET6);
    expect(checkConnect({ peerAddr, peerPort: 9253 })).toMatchObject({ addrFamily: AF_INET6, poolVersion: 0 });
    refuses(() => checkConnect({ peerAddr: ipv6(0x20, 1), peerPort: 1, addrFamily: AF_INET }), 'ERR_INVALID_ARG_VALUE');
    refuses(() => checkConnect({ peerAddr, peerPort: 1, addrFamily: 0 }), 'ERR_INVALID_ARG_VALUE');
  });

  it.each([
    [0xfe, 0x80],
    [0xfe, 0xbf],
  ])('link-local addresses, %i:%i', (first, second) => {
    refuses(() => checkConnect({ peerAddr: ipv6(first, second), peerPort: 1 }), 'ERR_POOL_INVALID_ADDRESS');
  });

  it('takes addresses beside the link-local ones', () => {
    for (const second of [0x7f, 0xc0]) checkConnect({ peerAddr: ipv6(0xfe, second), peerPort: 1 });
  });

  it('requests that are malformed', () => {
    const peerAddr = ipv4ToMapped('10.0.0.1');
    refuses(() => checkConnect(null as never), 'ERR_INVALID_ARG_TYPE');
    refuses(() => checkConnect({ peerAddr: '10.0.0.1' as never, peerPort: 1 }), 'ERR_INVALID_ARG_TYPE');
    refuses(() => checkConnect({ peerAddr: new Uint8Array(4), peerPort: 1 }), 'ERR_OUT_OF_RANGE');
    refuses(() => checkConnect({ peerAddr, peerPort: 0 }), 'ERR_OUT_OF_RANGE');
    refuses(() => checkConnect({ peerAddr, peerPort: 1, poolVersion: 3 }), 'ERR_OUT_OF_RANGE');
  });

  it('options and paths that are malformed', () => {
    checkCallOptions({ timeout: 0, signal: new AbortController().signal });
    checkCallOptions({ timeout: Infinity });
    refuses(() => checkCallOptions({ timeout: -1 }), 'ERR_OUT_OF_RANGE');
    refuses(() => checkCallOptions({ timeout: NaN }), 'ERR_OUT_OF_RANGE');
    refuses(() => checkCallOptions({ timeout: '5' as never }), 'ERR_INVALID_ARG_TYPE');
    refuses(() => checkCallOptions({ signal: {} as never }), 'ERR_INVALID_ARG_TYPE');
    refuses(() => checkCallOptions(null as never), 'ERR_INVALID_ARG_TYPE');
  });
});
