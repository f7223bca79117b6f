import { readdirSync, readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/base/errors.js';
import { CHANNEL_RINGS } from '../../../src/poolioc/abi/constants.js';
import { POOL_IOC_CHANNEL } from '../../../src/poolioc/abi/ioctl.js';
import type { Descriptor } from '../../../src/poolioc/descriptor.js';
import { RingsOpener } from '../../../src/poolioc/rings/open-rings.js';
import { loadRingLibc, type RingLibc } from '../../../src/poolioc/rings/ring-libc.js';
import { RingWriter } from '../../../src/poolioc/rings/record-ring.js';
import { RingSegment, SEGMENT_BYTES } from '../../../src/poolioc/rings/segment.js';
import type { RingsOptions } from '../../../src/poolioc/types.js';
import { scripted } from '../scripted.js';
import { uncaughtIn } from '../uncaught.js';

const { errno } = constants;
const ID = Buffer.from('00112233445566778899aabbccddeeff', 'hex');

/** Descriptors of this process that are memory of rings, or sockets; those of threads come and go. */
function descriptors(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return /^(\/memfd:pool-ts session|socket:)/.test(readlinkSync(`/proc/self/fd/${fd}`));
    } catch {
      // The one that the list itself was read with.
      return false;
    }
  }).length;
}

function recorder() {
  const told: string[] = [];
  const options: RingsOptions = {
    message: () => true,
    room: () => void told.push('room'),
    refused: ({ code }) => void told.push(`refused ${code}`),
    ended: ({ code }) => void told.push(`ended ${code}`),
  };
  return { told, options };
}

describe.runIf(process.platform === 'linux')('opening rings of a session', () => {
  it('names the session, the layout, and two descriptors, which it closes when the device has its own', async () => {
    const { script, device } = await scripted({ [POOL_IOC_CHANNEL]: [{ ret: 0 }] });
    const before = descriptors();
    const rings = await device.sessionRings(5, ID, recorder().options);
    const struct = script.struct(POOL_IOC_CHANNEL);
    expect([struct.readUInt32LE(0), struct[4], struct[5], struct.subarray(8, 12).toString('hex')]).toEqual([
      ...[5, 1, CHANNEL_RINGS],
      '00112233',
    ]);
    const [memory, socket] = [struct.readUInt32LE(16), struct.readUInt32LE(20)];
    expect(memory).not.toBe(socket);
    // Its own end of the sockets.
    expect(descriptors()).toBe(before + 1);
    // Nobody has the other socket: it is as if the device had gone.
    expect(rings!.push(0, Buffer.from('x'))).toBe(true);
    rings!.close();
    expect(rings!.push(0, Buffer.from('x'))).toBe(false);
    await device.close();
  });

  it('gives null where the device has none, and asks it no more where it never will', async () => {
    for (const [name, again] of [
      ['EINVAL', false],
      ['ENOTTY', false],
      ['EPERM', false],
      ['EBUSY', true],
      ['ENOENT', true],
    ] as const) {
      const { script, device } = await scripted({ [POOL_IOC_CHANNEL]: [{ ret: -1, errno: errno[name] }] });
      const before = descriptors();
      for (let n = 0; n < 3; n += 1) expect(await device.sessionRings(0, ID, recorder().options)).toBeNull();
      expect([name, script.calls(POOL_IOC_CHANNEL)]).toEqual([name, again ? 3 : 1]);
      expect(descriptors()).toBe(before);
      await device.close();
    }
  });

  it('never asks the module, nor where sockets can not be watched', async () => {
    const { script, device } = await scripted({ [POOL_IOC_CHANNEL]: [{ ret: 0 }] }, { module: true });
    expect(await device.sessionRings(0, ID, recorder().options)).toBeNull();
    expect(script.calls(POOL_IOC_CHANNEL)).toBe(0);
    await device.close();
    const nobody = { path: '/scripted', isOpen: true } as Descriptor;
    const load = (): never => expect.unreachable('it was loaded');
    expect(await new RingsOpener(nobody, { canWatch: false, load }).open(0, ID, recorder().options)).toBeNull();
  });

  it('refuses bad arguments before any I/O', async () => {
    const { script, device } = await scripted({ [POOL_IOC_CHANNEL]: [{ ret: 0 }] });
    const { options } = recorder();
    const code = (made: Promise<unknown>): Promise<unknown> =>
      made.then(
        () => 'none',
        (error: PoolError) => error.code,
      );
    expect(await code(device.sessionRings(64, ID, options))).toBe('ERR_OUT_OF_RANGE');
    expect(await code(device.sessionRings(0, ID.subarray(1), options))).toBe('ERR_OUT_OF_RANGE');
    expect(await code(device.sessionRings(0, 'id' as never, options))).toBe('ERR_INVALID_ARG_TYPE');
    expect(await code(device.sessionRings(0, ID, { ...options, mesage: 1 } as never))).toBe('ERR_INVALID_ARG_VALUE');
    expect(await code(device.sessionRings(0, ID, null as never))).toBe('ERR_INVALID_ARG_TYPE');
    expect(script.calls(POOL_IOC_CHANNEL)).toBe(0);
    const rings = await device.sessionRings(0, ID, options);
    for (const [channel, data] of [
      [256, Buffer.from('x')],
      [-1, Buffer.from('x')],
      [0, Buffer.alloc(0)],
      [0, 'text' as never],
    ] as const) {
      expect(() => rings!.push(channel, data)).toThrow(expect.objectContaining({ name: 'PoolError' }));
    }
    expect(() => rings!.push(0, Buffer.alloc(65_536))).toThrow(
      expect.objectContaining({ code: 'ERR_POOL_MESSAGE_TOO_LARGE' }),
    );
    await device.close();
    expect(await code(device.sessionRings(0, ID, options))).toBe('ERR_POOL_CLOSED');
  });

  it('ends them with the device that is closed', async () => {
    const { device } = await scripted({ [POOL_IOC_CHANNEL]: [{ ret: 0 }] });
    const { told, options } = recorder();
    const rings = await device.sessionRings(0, ID, options);
    await device.close();
    expect(told).toEqual(['refused ERR_POOL_CLOSED', 'ended ERR_POOL_CLOSED']);
    expect(rings!.push(0, Buffer.from('x'))).toBe(false);
  });

  it('lets a function of the program that throws cost one message, and neither the next nor its rings', async () => {
    const libc = await loadRingLibc();
    const memory = new ArrayBuffer(SEGMENT_BYTES);
    let rung = (): void => {};
    const fake: RingLibc = {
      ...libc,
      memory: () => 77,
      pair: () => [78, 79],
      map: () => memory,
      watch: (_, readable) => ((rung = readable), { unwatch() {} }),
      hear: () => true,
      ring() {},
      discard() {},
      close() {},
    };
    const descriptor = { path: '/scripted', isOpen: true, make: async () => {} } as unknown as Descriptor;
    const got: string[] = [];
    const uncaught = await uncaughtIn(async () => {
      const rings = await new RingsOpener(descriptor, { canWatch: true, load: async () => fake }).open(0, ID, {
        ...recorder().options,
        message: (_, data) => {
          got.push(Buffer.from(data).toString());
          if (got.length === 1) throw new Error('fault of the program');
          return true;
        },
      });
      const device = new RingWriter(new RingSegment(memory).incoming);
      for (const text of ['one', 'two']) device.put(0, Buffer.from(text));
      rings!.resume();
      // It asks to be told of the next one.
      expect(device.tells()).toBe(true);
      device.put(0, Buffer.from('three'));
      rung();
      rings!.close();
    });
    expect([got, uncaught]).toEqual([['one', 'two', 'three'], ['fault of the program']]);
  });

  it('leaves nothing open where there is no memory, no socket, or no room to map it', async () => {
    const libc = await loadRingLibc();
    const open = async (some: Partial<RingLibc>): Promise<[rings: unknown, closed: number[]]> => {
      const closed: number[] = [];
      const descriptor = { path: '/scripted', isOpen: true, make: async () => {} } as unknown as Descriptor;
      const fake = {
        ...libc,
        memory: () => 77,
        pair: (): [number, number] => [78, 79],
        close: (fd: number) => void closed.push(fd),
        ...some,
      };
      const opener = new RingsOpener(descriptor, { canWatch: true, load: async () => fake });
      return [await opener.open(0, ID, recorder().options), closed.sort()];
    };
    const noSocket = (): never => {
      throw new PoolError('EMFILE', 'no pair of sockets can be had');
    };
    expect(await open({ memory: () => -errno.ENFILE })).toEqual([null, []]);
    expect(await open({ pair: noSocket })).toEqual([null, [77]]);
    expect(await open({ map: () => null })).toEqual([null, [77, 78, 79]]);
  });
});
