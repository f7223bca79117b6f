import { describe, expect, it } from 'vitest';
import * as ioctl from '../../../src/poolioc/abi/ioctl.js';

/** Printed by a C compiler from pool.h (docs/kernel-contract.md, section 1). */
const numbers: [keyof typeof ioctl, number, number][] = [
  ['POOL_IOC_LISTEN', 0x40025001, 2],
  ['POOL_IOC_CONNECT', 0x40185002, 24],
  ['POOL_IOC_SEND', 0x40185003, 24],
  ['POOL_IOC_RECV', 0xc0185004, 24],
  ['POOL_IOC_SESSIONS', 0xc0105005, 16],
  ['POOL_IOC_CLOSE_SESS', 0x40045006, 4],
  ['POOL_IOC_STOP', 0x00005007, 0],
  ['POOL_IOC_CHANNEL', 0xc0185008, 24],
];

describe('ioctl numbers', () => {
  it.each(numbers)('%s is what C prints, and carries the size of its argument', (name, number, size) => {
    expect(ioctl[name]).toBe(number);
    expect(ioctl.iocSize(number)).toBe(size);
  });

  it('covers every request', () => {
    const requests = Object.keys(ioctl).filter((name) => name.startsWith('POOL_IOC_'));
    expect(requests.sort()).toEqual(numbers.map(([name]) => name).sort());
  });

  it('follows the rule of the kernel at its limits', () => {
    // FIONREAD-like numbers of other drivers: TUNSETIFF _IOW('T', 202, int), FUSE_DEV_IOC_CLONE _IOR(229, 0, u32).
    expect(ioctl.ioc(1, 'T'.charCodeAt(0), 202, 4)).toBe(0x400454ca);
    expect(ioctl.ioc(2, 229, 0, 4)).toBe(0x8004e500);
    expect(ioctl.iocSize(ioctl.ioc(3, 255, 255, 16383))).toBe(16383);
  });
});
