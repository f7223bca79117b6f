/**
 * The whole terminal for a while: the alternate screen without a cursor, keys one by one, and all of it given back on
 * every way out. A terminal left in raw mode is one that its owner can't type into.
 */
import { EXIT } from '../exit-codes.js';
import type { Terminal } from '../terminal.js';
import { textWidth } from './text-width.js';

/** Alternate screen, no cursor, no wrapping: should a width be misjudged, a line is cut instead of spoiling the rest. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

const CTRL_C = '\x03';

/** Of a terminal that does not tell. */
const USUAL = { columns: 80, rows: 24 } as const;

/** The screen while it is ours. */
export interface FullScreen {
  readonly columns: number;
  readonly rows: number;
  /** Shows `lines` from the top, as many as there are rows; each has to be no wider than `columns`. */
  draw(lines: readonly string[]): void;
}

/** What a person does meanwhile. */
export interface ScreenEvents {
  /** A key, as the terminal sends it. ^C is not among them: it stops the command. */
  key(key: string): void;
  /** The size has changed: what was drawn has to be drawn again. */
  resize(): void;
}

/** The end of the process, in whatever way: `process`, in tests something else. */
export interface Exits {
  on(event: 'exit', listener: () => void): unknown;
  off(event: 'exit', listener: () => void): unknown;
}

/** Runs `work` with the whole screen; gives the terminal back when it settles, and when the process exits before. */
export async function withFullScreen<T>(
  terminal: Terminal,
  work: (screen: FullScreen) => Promise<T>,
  events: ScreenEvents,
  exits: Exits = process,
): Promise<T> {
  const { stdin, stdout } = terminal;
  const keys = stdin.isTTY === true;
  const typed = (chunk: Buffer | string): void => {
    for (const key of keysOf(chunk.toString())) {
      // Raw mode turns ^C into a character.
      if (key === CTRL_C) terminal.quit(EXIT.SIGINT);
      else events.key(key);
    }
  };
  const resized = (): void => events.resize();
  let left = false;
  const leave = (): void => {
    if (left) return;
    left = true;
    exits.off('exit', leave);
    stdout.off('resize', resized);
    if (keys) {
      stdin.off('data', typed);
      stdin.setRawMode?.(false);
      stdin.pause();
    }
    if (!stdout.destroyed) stdout.write(LEAVE);
  };
  exits.on('exit', leave);
  try {
    stdout.on('resize', resized);
    if (keys) {
      stdin.setRawMode?.(true);
      stdin.on('data', typed);
      stdin.resume();
    }
    stdout.write(ENTER);
    return await work({
      get columns() {
        return stdout.columns || USUAL.columns;
      },
      get rows() {
        return stdout.rows || USUAL.rows;
      },
      draw(lines) {
        // A terminal that is slow, over a network, gets the next frame instead of all of them.
        if (left || stdout.writableNeedDrain) return;
        const { columns, rows } = this;
        // Behind a full line the cursor still stands on its last character, which would be cleared.
        const shown = lines.slice(0, rows).map((line) => (textWidth(line) < columns ? line + CLEAR_LINE : line));
        stdout.write(HOME + shown.join('\r\n') + (shown.length < rows ? `\r\n${CLEAR_BELOW}` : ''));
      },
    });
  } finally {
    leave();
  }
}

/** A paste or a fast typist sends several keys at once; an arrow is one key of several characters. */
function keysOf(text: string): string[] {
  return text.match(/\x1b\[[\d;]*[A-Za-z~]|\x1bO.|[^]/g) ?? [];
}
