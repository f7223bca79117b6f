/** Values over time in block characters: a line of them, or a graph of several lines. The newest is at the right. */

/** A value, or null where there was none. */
export type Series = readonly (number | null)[];

const EIGHTHS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/**
 * One line of exactly `width` characters: from 0 at the lowest block to `max`, the largest value shown unless given, at
 * the full one. No value is a space.
 */
export function sparkline(series: Series, width: number, max = largest(series.slice(-width))): string {
  return graph(series, width, 1, max)[0] ?? '';
}

/** `height` lines of exactly `width` characters, as {@link sparkline}. */
export function graph(series: Series, width: number, height: number, max = largest(series.slice(-width))): string[] {
  const shown = width > 0 ? series.slice(-width) : [];
  const levels = height * EIGHTHS.length;
  const filled = shown.map((value) => (value === null ? null : level(value, max, levels)));
  return Array.from({ length: height }, (_, row) => {
    const below = (height - 1 - row) * EIGHTHS.length;
    const line = filled.map((eighths) => (eighths === null ? ' ' : block(eighths - below)));
    return line.join('').padStart(width);
  });
}

/** The largest value; 0 where there is none. */
export function largest(series: Series): number {
  return series.reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
}

/** Eighths of a line, from 1: a value of 0 is seen as well, or nobody could tell it from none. */
function level(value: number, max: number, levels: number): number {
  if (!(max > 0) || !(value > 0)) return 1;
  return Math.min(levels, Math.max(1, Math.round((value / max) * levels)));
}

function block(eighths: number): string {
  return eighths <= 0 ? ' ' : EIGHTHS[Math.min(eighths, EIGHTHS.length) - 1]!;
}
