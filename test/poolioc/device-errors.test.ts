import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { addressText, callError } from '../../src/poolioc/device-errors.js';
import { ipv4ToMapped } from '../../src/poolioc/mapped.js';

const { errno } = constants;
const error = (operation: string, syscall: 'open' | 'ioctl', number: number) =>
  callError({ operation, path: '/dev/pool', syscall, errno: number });

describe('callError', () => {
  it.each([
    ['ENOENT', /no \/dev\/pool.*modprobe pool/],
    ['EACCES', /0600 root.*udev/],
    ['ENXIO', /no driver/],
    ['ENOTCONN', /fusermount3 -u \/dev\/pool/],
  ] as const)('says what to do about %s of open', (name, message) => {
    expect(error('open', 'open', errno[name])).toMatchObject({ code: name, errno: errno[name], syscall: 'open' });
    expect(error('open', 'open', errno[name]).message).toMatch(message);
  });

  it('has names of ours for two, where they mean what the name says', () => {
    expect(error('connect to [::1]:9253', 'ioctl', errno.ENOSPC).code).toBe('ERR_POOL_SESSION_FULL');
    expect(error('receive from session 0', 'ioctl', errno.EMSGSIZE).code).toBe('ERR_POOL_MESSAGE_TOO_LARGE');
    expect(error('listen on port 1', 'ioctl', errno.ENOSPC).code).toBe('ENOSPC');
    expect(error('send to session 0', 'ioctl', errno.EMSGSIZE).code).toBe('EMSGSIZE');
  });

  it('keeps a number that has no sentence here', () => {
    expect(error('stop listening', 'ioctl', errno.EXDEV).message).toBe('stop listening on /dev/pool: EXDEV');
  });
});

describe('addressText', () => {
  it('writes addresses as people do', () => {
    expect(addressText(ipv4ToMapped('10.0.0.1'))).toBe('10.0.0.1');
    expect(addressText(Uint8Array.of(0x20, 1, 0xd, 0xb8, ...new Uint8Array(11), 1))).toBe('2001:db8::1');
    expect(addressText(new Uint8Array(16))).toBe('::');
  });
});
