import { expect, it } from 'vitest';
import { PoolError } from '../../src/base/errors.js';
import { Addr } from '../../src/pool/address/addr.js';
import { atCallSite, callSite, isReason, methodSite } from '../../src/pool/call-site.js';
import { PoolListener } from '../../src/pool/pool-listener.js';
import { pipe } from '../../src/testing/index.js';

function entry() {
  return callSite(entry);
}

const later = (): PoolError => new PoolError('ERR_POOL_CLOSED', 'two\nlines');

it('a stack begins with the message and then the caller of the function', () => {
  const stack = atCallSite(later(), entry()).stack?.split('\n') ?? [];
  expect(stack.slice(0, 2)).toEqual(['PoolError: two', 'lines']);
  expect(stack[2]).toContain('call-site.test.ts');
  expect(stack.join()).not.toMatch(/\bentry\b|\blater\b/);
});

it('what throws at once does so at the place of its call', async () => {
  const [conn, peer] = pipe();
  const listener = new PoolListener({ backlog: 1, maxConnections: 1, blockList: undefined, makeConn: () => conn });
  const bad = NaN;
  const calls = [
    () => conn.setDeadline(bad),
    () => conn.setReadDeadline(bad),
    () => conn.setWriteDeadline(bad),
    () => listener.setDeadline(bad),
    () => Addr.parse('no address'),
  ];
  for (const call of calls) {
    let stack = '';
    try {
      call();
    } catch (error) {
      stack = (error as Error).stack ?? '';
    }
    expect(stack.split('\n')[1], stack).toContain('call-site.test.ts');
  }
  await Promise.all([conn.close(), peer.close()]);
});

it('a method is left out of the stack as well', () => {
  const object = {
    method() {
      return methodSite(object, 'method');
    },
  };
  expect(atCallSite(later(), object.method()).stack).not.toContain('at Object.method');
});

it("somebody else's errors, and the reason of a signal, stay as they are", () => {
  const [other, reason] = [new Error('other'), later()];
  const before = [other.stack, reason.stack];
  atCallSite(other, entry());
  atCallSite(reason, entry(), AbortSignal.abort(reason));
  expect([other.stack, reason.stack]).toEqual(before);
});

it('isReason asks for the reason of a signal that fired', () => {
  const reason = later();
  expect([
    isReason(reason, AbortSignal.abort(reason)),
    isReason(later(), AbortSignal.abort(reason)),
    isReason(undefined, new AbortController().signal),
    isReason(reason, undefined),
  ]).toEqual([true, false, false, false]);
});
