import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { callError } from '../../src/poolioc/device-errors.js';

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
    expect(error('open', 'open', errno[name])).toMatchObject({ code: name, errno: -errno[name], syscall: 'open' });
    expect(error('open', 'open', errno[name]).message).toMatch(message);
  });

  it('has names of ours for two, where they mean what the name says', () => {
    expect(error('connect to [::1]:9253', 'ioctl', errno.ENOSPC).code).toBe('ERR_POOL_SESSION_FULL');
    expect(error('receive from session 0', 'ioctl', errno.EMSGSIZE).code).toBe('ERR_POOL_MESSAGE_TOO_LARGE');
    expect(error('listen on port 1', 'ioctl', errno.ENOSPC).code).toBe('ENOSPC');
    expect(error('send to session 0', 'ioctl', errno.EMSGSIZE).code).toBe('EMSGSIZE');
  });

  it.each([
    ['EAGAIN', /could not be looked for.*was not made; try again/],
    ['EBUSY', /hold the lock.*was not made; try again/],
  ] as const)('says what %s of a closing on the module means', (name, message) => {
    expect(error('close session 3', 'ioctl', errno[name]).message).toMatch(message);
  });

  it('keeps a number that has no sentence here', () => {
    expect(error('stop listening', 'ioctl', errno.EXDEV).message).toBe('stop listening on /dev/pool: EXDEV');
  });
});
