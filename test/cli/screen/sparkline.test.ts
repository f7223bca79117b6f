import { describe, expect, it } from 'vitest';
import { graph, sparkline } from '../../../src/cli/screen/sparkline.js';

describe('sparklines', () => {
  it('go from nothing to the largest value, the newest at the right', () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7, 8], 9)).toBe('▁▁▂▃▄▅▆▇█');
    expect(sparkline([100, 8, 4], 2)).toBe('█▄');
    expect(sparkline([8], 3)).toBe('  █');
  });

  it('show no value as a space, and zero as the lowest block', () => {
    expect(sparkline([null, 0, null, 1], 4)).toBe(' ▁ █');
    expect(sparkline([0, 0], 2)).toBe('▁▁');
    expect(sparkline([], 3)).toBe('   ');
    expect(sparkline([1, 2], 0)).toBe('');
  });

  it('take another scale', () => {
    expect(sparkline([1], 1, 8)).toBe('▁');
    expect(sparkline([9], 1, 8)).toBe('█');
  });

  it('become graphs of several lines', () => {
    expect(graph([0, 8, 12, 16], 4, 2, 16)).toEqual(['  ▄█', '▁███']);
    expect(graph([], 2, 3)).toEqual(['  ', '  ', '  ']);
  });
});
