/** Colours where a person looks: on a terminal, unless NO_COLOR (no-color.org) or a dumb terminal says otherwise. */
import pc from 'picocolors';
import type { Terminal } from '../terminal.js';

/** Functions that paint a text, or leave it alone. */
export type Colors = ReturnType<typeof pc.createColors>;

/** Paints nothing. */
export const NO_COLORS: Colors = pc.createColors(false);

/** The colours of `terminal`'s standard output. */
export function colorsFor({ stdout, env }: Pick<Terminal, 'stdout' | 'env'>): Colors {
  return pc.createColors(hasColors({ stdout, env }));
}

/** Whether they would be seen, and are wanted. */
export function hasColors({ stdout, env }: Pick<Terminal, 'stdout' | 'env'>): boolean {
  return isLive({ stdout, env }) && !env['NO_COLOR'];
}

/** Whether a screen can be drawn there and drawn again. */
export function isLive({ stdout, env }: Pick<Terminal, 'stdout' | 'env'>): boolean {
  return stdout.isTTY === true && env['TERM'] !== 'dumb';
}
