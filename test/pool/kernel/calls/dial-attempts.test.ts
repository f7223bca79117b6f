import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { Addr } from '../../../../src/pool/address/addr.js';
import { Dialler, isLocalAddress } from '../../../../src/pool/kernel/calls/dial-attempts.js';
import type { KernelDevice } from '../../../../src/pool/kernel/calls/device.js';
import { PEER } from '../harness.js';
import { settle } from '../manual-clock.js';
import { errno } from '../scripted-device.js';

type Connect = KernelDevice['connect'];

/** CONNECTs that end when a test says so. */
function diallerOf(isLocal?: (address: string) => boolean) {
  const calls: { options: Parameters<Connect>[1]; end: (index: number) => void; fail: (error: unknown) => void }[] = [];
  const connect: Connect = (_, options) =>
    new Promise((resolve, reject) => calls.push({ options, end: resolve, fail: reject }));
  const discarded: number[] = [];
  const dialler = new Dialler({
    device: { connect } as KernelDevice,
    discard: (index) => discarded.push(index),
    isLocal,
  });
  const dial = (signal?: AbortSignal) => dialler.dial(PEER, signal, async (index) => index);
  return { calls, discarded, dialler, dial };
}

describe('a dial that was given up', () => {
  it('takes its CONNECT back, so that the next one has its turn', async () => {
    const { calls, dial } = diallerOf();
    const abort = new AbortController();
    const first = dial(abort.signal);
    const second = dial();
    await settle();
    expect(calls[0]!.options!.signal).toBe(abort.signal);
    abort.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
    // Hazard 7: its handshake may still be under way.
    await settle();
    expect(calls).toHaveLength(1);
    calls[0]!.fail(abort.signal.reason);
    await settle();
    calls[1]!.end(3);
    expect(await second).toBe(3);
  });

  it('is not tried again, though its CONNECT failed by chance at that moment (hazard 3)', async () => {
    const { calls, dial } = diallerOf();
    const abort = new AbortController();
    const given = dial(abort.signal);
    await settle();
    abort.abort(new Error('enough'));
    calls[0]!.fail(errno('EIO', 'connect'));
    await expect(given).rejects.toThrow('enough');
    await settle();
    expect(calls).toHaveLength(1);
  });

  it.each(['with its CONNECT', 'after it, by a device that did not answer the signal'])(
    'gives back a session that comes %s',
    async (how) => {
      const { calls, discarded, dial } = diallerOf();
      const abort = new AbortController();
      const given = dial(abort.signal);
      await settle();
      abort.abort(new Error('enough'));
      if (how === 'with its CONNECT') calls[0]!.end(5);
      else {
        calls[0]!.fail(abort.signal.reason);
        calls[0]!.options!.onLate!(5);
      }
      await expect(given).rejects.toThrow('enough');
      await settle();
      expect(discarded).toEqual([5]);
    },
  );
});

describe('one dial after another (hazard 7)', () => {
  it('hands a slot over before the next dial begins, which may be given a slot that is reused', async () => {
    const { calls, dialler } = diallerOf();
    let adopted = (): void => {};
    const first = dialler.dial(PEER, undefined, () => new Promise<void>((resolve) => (adopted = resolve)));
    const second = dialler.dial(PEER, undefined, async (index) => index);
    await settle();
    calls[0]!.end(0);
    await settle();
    expect(calls).toHaveLength(1);
    adopted();
    await first;
    await settle();
    calls[1]!.end(1);
    expect(await second).toBe(1);
  });

  it('goes on after one that failed', async () => {
    const { calls, dial } = diallerOf();
    const [first, second] = [dial(), dial()];
    await settle();
    calls[0]!.fail(errno('ECONNREFUSED', 'connect'));
    await expect(first).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await settle();
    calls[1]!.end(1);
    expect(await second).toBe(1);
  });

  it('tries again after an interruption that nobody asked for', async () => {
    const { calls, dial } = diallerOf();
    const only = dial();
    await settle();
    calls[0]!.fail(errno('EINTR', 'connect'));
    await settle();
    calls[1]!.end(1);
    expect(await only).toBe(1);
  });

  it('asks by itself whether the peer is on this machine, where keys may be corrupted', async () => {
    const { calls, dialler } = diallerOf();
    const local = dialler.dial(new Addr('127.0.0.1', 9253), undefined, async (index) => index);
    await settle();
    calls[0]!.fail(errno('EBADMSG', 'connect'));
    await settle();
    calls[1]!.end(2);
    expect(await local).toBe(2);
  });
});

describe('the addresses of this machine', () => {
  const own = Object.values(networkInterfaces()).flatMap((list) => list!.map(({ address }) => address));

  it.each(['127.0.0.1', '127.200.0.1', '::1', ...own])('%s is one', (address) => {
    expect(isLocalAddress(address)).toBe(true);
  });

  it.each(['203.0.113.7', '2001:db8::7', '12.7.0.1'])('%s is none', (address) => {
    expect(isLocalAddress(address)).toBe(false);
  });
});
