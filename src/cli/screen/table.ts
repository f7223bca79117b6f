/** Tables that fit: columns that have no room are left out, the least important first. Pure: rows in, lines out. */
import { cut, fit, textWidth } from './text-width.js';

/** A column of a table whose rows are `Row`s. */
export interface Column<Row> {
  title: string;
  align: 'left' | 'right';
  /** 1 is the most important; the columns of a table have different ones. */
  priority: number;
  /** Cells that it has at least, so that it does not jump when its values change. */
  min: number;
  /** Cells that it takes where there is room: a sparkline's. It then starts from `min`, whatever its content. */
  grow?: number;
  /** What a cell shows, given the width that the column got. */
  cell(row: Row, width: number): string;
  /** Colours what `cell` gave, after it was brought to its width. */
  paint?(text: string, row: Row): string;
}

/** A column, and how wide it is. */
export interface PlacedColumn<Row> {
  column: Column<Row>;
  width: number;
}

/** Chooses columns and widths for `width` cells. Keeps the order of `columns`. */
export function placeColumns<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number,
  gap: number,
): PlacedColumn<Row>[] {
  const chosen = new Map<Column<Row>, number>();
  let left = width + gap;
  for (const column of columns.toSorted((one, other) => one.priority - other.priority)) {
    const wanted = startWidth(column, rows);
    // Not even the next in importance may fill the hole: which columns there are should follow from the width alone.
    if (chosen.size > 0 && wanted + gap > left) break;
    const given = Math.min(wanted, Math.max(0, left - gap));
    chosen.set(column, given);
    left -= given + gap;
  }
  share(chosen, Math.max(0, left));
  return columns.flatMap((column) => (chosen.has(column) ? [{ column, width: chosen.get(column)! }] : []));
}

/** The line of titles; `mark` adds to one of them. */
export function titleLine<Row>(placed: readonly PlacedColumn<Row>[], gap: number): string {
  return placed
    .map(({ column, width }) => fit(column.title, width, column.align))
    .join(' '.repeat(gap))
    .trimEnd();
}

export function rowLine<Row>(placed: readonly PlacedColumn<Row>[], row: Row, gap: number): string {
  return placed
    .map(({ column, width }) => {
      const text = fit(column.cell(row, width), width, column.align);
      return column.paint === undefined ? text : column.paint(text, row);
    })
    .join(' '.repeat(gap))
    .trimEnd();
}

/** Joins as many of `items` as fit into `width`, the first ones first. */
export function joinFitting(items: readonly string[], separator: string, width: number): string {
  let line = '';
  for (const item of items) {
    const longer = line === '' ? item : line + separator + item;
    if (textWidth(longer) > width) break;
    line = longer;
  }
  return line === '' && items[0] !== undefined ? cut(items[0], width) : line;
}

function startWidth<Row>(column: Column<Row>, rows: readonly Row[]): number {
  if (column.grow !== undefined) return Math.max(column.min, textWidth(column.title));
  const widths = rows.map((row) => textWidth(column.cell(row, Infinity)));
  return Math.max(column.min, textWidth(column.title), ...widths);
}

/** Gives growing columns what is left, cell by cell in turns. */
function share<Row>(chosen: Map<Column<Row>, number>, left: number): void {
  const growing = [...chosen.keys()].filter(({ grow }) => grow !== undefined);
  for (let rest = left, grown = true; rest > 0 && grown; ) {
    grown = false;
    for (const column of growing) {
      const width = chosen.get(column)!;
      if (rest === 0 || width >= column.grow!) continue;
      chosen.set(column, width + 1);
      rest -= 1;
      grown = true;
    }
  }
}
