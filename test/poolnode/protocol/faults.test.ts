import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/base/errors.js';
import { asPoolError, peerLost, unauthentic, violation } from '../../../src/poolnode/protocol/faults.js';

describe('faults', () => {
  it('have the codes of the API, and say which rule was broken', () => {
    expect(violation('a rule')).toMatchObject({ code: 'ERR_POOL_PROTOCOL' });
    expect(violation('a rule').message).toContain('a rule');
    expect(unauthentic()).toMatchObject({ code: 'ERR_POOL_AUTH_FAILED' });
    expect(peerLost('why')).toMatchObject({ code: 'ERR_POOL_PEER_LOST' });
  });

  it('pass a PoolError on as it is, and keep anything else as a cause', () => {
    const error = violation('x');
    expect(asPoolError(error)).toBe(error);
    const fault = new TypeError('ours');
    const wrapped = asPoolError(fault);
    expect(wrapped).toBeInstanceOf(PoolError);
    expect(wrapped.cause).toBe(fault);
  });
});
