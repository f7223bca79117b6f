import { describe, expect, it } from 'vitest';
import { type Column, joinFitting, placeColumns, rowLine, titleLine } from '../../../src/cli/screen/table.js';

const columns: Column<{ name: string; size: number }>[] = [
  { title: 'NAME', align: 'left', priority: 1, min: 4, cell: ({ name }) => name },
  { title: 'PLOT', align: 'left', priority: 3, min: 5, grow: 8, cell: (_, width) => '#'.repeat(width) },
  { title: 'SIZE', align: 'right', priority: 2, min: 6, cell: ({ size }) => String(size) },
];
const rows = [
  { name: 'alpha', size: 5 },
  { name: 'b', size: 1234567 },
];

const drawn = (width: number) => {
  const placed = placeColumns(columns, rows, width, 1);
  return [titleLine(placed, 1), ...rows.map((row) => rowLine(placed, row, 1))];
};

describe('tables', () => {
  it('take as much as their content, and give the rest to columns that grow', () => {
    expect(drawn(20)).toEqual(['NAME  PLOT      SIZE', 'alpha ######       5', 'b     ###### 1234567']);
    expect(drawn(100)[1]).toBe('alpha ########       5');
  });

  it('leave out the least important columns where there is no room', () => {
    expect(drawn(18)).toEqual(['NAME     SIZE', 'alpha       5', 'b     1234567']);
    expect(drawn(12)).toEqual(['NAME', 'alpha', 'b']);
    expect(drawn(3)).toEqual(['NA…', 'al…', 'b']);
  });

  it('join what fits, the first ones first', () => {
    expect(joinFitting(['one', 'two', 'three'], '  ', 9)).toBe('one  two');
    expect(joinFitting(['one'], '  ', 2)).toBe('o…');
    expect(joinFitting([], '  ', 2)).toBe('');
  });
});
