/** Lines at the end of a terminal that are drawn again and again, below those that stay. */
import { createLogUpdate } from 'log-update';
import { columnsOf } from './text-width.js';
import type { Terminal } from '../terminal.js';

/** What of a terminal matters here: one of its outputs, and the environment. */
interface Output {
  stream: Terminal['stderr'];
  env: NodeJS.ProcessEnv;
}

/** Whether lines can be drawn again there: not on a dumb terminal, nor on one without a size, as of some containers. */
export function canRedraw({ stream, env }: Output): boolean {
  return stream.isTTY === true && env['TERM'] !== 'dumb' && stream.columns !== 0;
}

export interface LiveLines {
  /** Columns that a line may have. The last one stays free: some terminals wrap when it is written to. */
  readonly columns: number;
  /** In the place of the lines before. */
  draw(text: string): void;
  clear(): void;
  /** The lines stay, and the next ones come below. */
  leave(): void;
}

/** Draws on `stream`, where {@link canRedraw}. */
export function liveLines(stream: Terminal['stderr']): LiveLines {
  const log = createLogUpdate(stream as NodeJS.WritableStream, { showCursor: true });
  return {
    get columns() {
      return columnsOf(stream, 80) - 1;
    },
    draw: (text) => log(text),
    clear: () => log.clear(),
    leave: () => log.done(),
  };
}
