import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../src/poolnode/protocol/constants.js';
import { sessionLimits } from '../../../src/poolnode/protocol/limits.js';

describe('limits', () => {
  it('are those of the texts unless told otherwise', () => {
    const S = 1_000_000_000n;
    expect(sessionLimits()).toEqual({
      rekeyPackets: 241_591_910,
      rekeyIntervalNs: 3_000n * S,
      heartbeatIntervalNs: 5n * S,
      deadAfterNs: 20n * S,
      packetTimeoutNs: 30n * S,
    });
    expect(sessionLimits({ rekeyPackets: 3 })).toMatchObject({ rekeyPackets: 3, deadAfterNs: 20n * S });
  });

  it('cannot be changed while running', () => {
    expect(Object.isFrozen(LIMITS)).toBe(true);
  });
});
