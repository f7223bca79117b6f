import { describe, expect, it } from 'vitest';
import { StallWatch } from '../../../src/poolnode/session/stall-watch.js';

const MS = 1_000_000n;

describe('StallWatch', () => {
  it('has nothing to tell while reading', () => {
    const watch = new StallWatch({ pausedSince: null });
    expect(watch.deadline).toBeNull();
    expect(watch.check(10n ** 15n)).toBeNull();
  });

  it('tells of each pause once, at 8 s and not before', () => {
    const input = { pausedSince: 5n };
    const watch = new StallWatch(input);
    expect(watch.deadline).toBe(5n + 8000n * MS);
    expect(watch.check(4n + 8000n * MS)).toBeNull();
    expect(watch.check(5n + 8001n * MS)).toBe(8001);
    expect(watch.deadline).toBeNull();
    expect(watch.check(5n + 60_000n * MS)).toBeNull();
    input.pausedSince = 70_000n * MS;
    expect(watch.deadline).toBe(78_000n * MS);
    expect(watch.check(78_000n * MS)).toBe(8000);
  });
});
