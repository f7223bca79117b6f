import { describe, expect, it } from 'vitest';
import { BridgeRates, statusLine } from '../../../src/cli/bridge/status.js';

const NONE = { open: 0, done: 0, broken: 0, refused: 0, toPool: 0, toTcp: 0 };

describe('the status of a bridge', () => {
  it('is one line of what there is to say', () => {
    expect(statusLine(NONE)).toBe('0 open, 0 done; to POOL 0 B; to TCP 0 B');
    const status = { ...NONE, open: 2, broken: 1, refused: 3, toPool: 1_234_567, toTcp: 999 };
    expect(statusLine(status, { toPool: 12_340_000, toTcp: 0 })).toBe(
      '2 open, 0 done, 1 broken, 3 refused; to POOL 1.23 MB, 12.3 MB/s; to TCP 999 B, 0 B/s',
    );
  });

  it('has rates from one reading to the next', () => {
    const meter = new BridgeRates(1000);
    expect(meter.read({ ...NONE, toPool: 500 }, 1500)).toEqual({ toPool: 1000, toTcp: 0 });
    expect(meter.read({ ...NONE, toPool: 500, toTcp: 4 }, 3500)).toEqual({ toPool: 0, toTcp: 2 });
  });
});
