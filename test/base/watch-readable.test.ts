import { describe, expect, it } from 'vitest';
import { watchReadable } from '../../src/base/watch-readable.js';

describe('watchReadable', () => {
  it('leaves something else to come in the same turn, so that Node sees to ticks and promises', () => {
    let ready: (() => void) | undefined;
    const asked: unknown[] = [];
    const koffi = {
      node: {
        poll: (fd: number, options: object, callback: () => void) => {
          asked.push([fd, options]);
          ready = callback;
        },
      },
    } as unknown as Parameters<typeof watchReadable>[0];
    const immediates = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Immediate').length;
    const read: number[] = [];
    watchReadable(koffi, 7, () => read.push(1));
    expect(asked).toEqual([[7, { readable: true }]]);
    const before = immediates();
    ready!();
    expect(read).toEqual([1]);
    expect(immediates()).toBe(before + 1);
  });

  it('does so too where it is thrown from', () => {
    let ready: (() => void) | undefined;
    const koffi = { node: { poll: (_: number, __: object, callback: () => void) => void (ready = callback) } };
    watchReadable(koffi as unknown as Parameters<typeof watchReadable>[0], 7, () => {
      throw new Error('read past the end');
    });
    const immediates = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Immediate').length;
    const before = immediates();
    expect(() => ready!()).toThrow('read past the end');
    expect(immediates()).toBe(before + 1);
  });
});
