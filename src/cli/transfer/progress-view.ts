/** Shows transfers under way on standard error: live bars on a terminal, else a plain line now and then. */
import { createColors } from 'picocolors';
import { canRedraw, liveLines } from '../screen/live-lines.js';
import { tell, type Terminal } from '../terminal.js';
import { barLine, plainLine, type Progress } from './progress-line.js';

export interface FileWatch {
  /** `bytes` of the file have arrived. Counting starts at the first call, so that what was there before is no speed. */
  moved(bytes: number): void;
  /** Something else is done with the file. */
  note(text: string | undefined): void;
  /** It is over, in whatever way. */
  end(): void;
}

/** Where progress goes. */
export interface ProgressView {
  file(name: string, size: number): FileWatch;
  /** Runs what prints, with the bars out of the way. */
  aside(print: () => void): void;
  close(): void;
}

/** ms between two pictures, and between two lines. */
export interface ViewTimes {
  live: number;
  plain: number;
  now: () => number;
}

const TIMES: ViewTimes = { live: 150, plain: 5000, now: () => performance.now() };

/** Shows nothing. */
export const QUIET_VIEW: ProgressView = {
  file: () => ({ moved: () => undefined, note: () => undefined, end: () => undefined }),
  aside: (print) => print(),
  close: () => undefined,
};

/** The view that fits the terminal. */
export function progressView(terminal: Pick<Terminal, 'stderr' | 'env'>, times: ViewTimes = TIMES): ProgressView {
  const live = canRedraw({ stream: terminal.stderr, env: terminal.env });
  const files = new Set<{ meter: TransferRate | null; state: Progress }>();
  const colors = createColors(live && (terminal.env['NO_COLOR'] ?? '') === '');
  const lines = live ? liveLines(terminal.stderr) : null;

  const render = (): void => {
    for (const { meter, state } of files) {
      if (meter === null) continue;
      meter.update(times.now(), state.moved);
      state.bytesPerSecond = meter.perSecond;
      state.secondsLeft = meter.secondsTo(state.size);
    }
    if (lines === null) {
      for (const { state } of files) tell(terminal, plainLine(state));
      return;
    }
    lines.draw([...files].map(({ state }) => barLine(state, lines.columns, colors.green)).join('\n'));
  };
  const timer = setInterval(() => files.size > 0 && render(), live ? times.live : times.plain).unref();

  return {
    file(name, size) {
      const file = {
        meter: null as TransferRate | null,
        state: { name, size, moved: 0, bytesPerSecond: 0, secondsLeft: null } as Progress,
      };
      files.add(file);
      return {
        moved: (bytes) => {
          file.state.moved = bytes;
          if (file.meter !== null) return;
          file.meter = new TransferRate(times.now(), bytes);
          if (live) render();
        },
        note: (text) => void (file.state.note = text),
        end: () => {
          // The last picture of a file that is complete stays on the screen, as that of a full bar.
          if (live && files.has(file) && file.meter !== null) render();
          files.delete(file);
          if (files.size === 0) lines?.leave();
        },
      };
    },
    aside(print) {
      lines?.clear();
      print();
      if (lines !== null && files.size > 0) render();
    },
    close() {
      clearInterval(timer);
      lines?.leave();
    },
  };
}

/** ms over which the rate is averaged: long enough not to flicker, short enough to show a stall. */
const SPAN_MS = 5000;

export class TransferRate {
  #samples: { at: number; value: number }[];

  constructor(at: number, value: number) {
    this.#samples = [{ at, value }];
  }

  /** At the time `at`, in ms, it has come to `value`. */
  update(at: number, value: number): void {
    this.#samples.push({ at, value });
    // The oldest sample that is kept is the last one outside the span, or the first of all.
    while (this.#samples.length > 2 && at - this.#samples[1]!.at >= SPAN_MS) this.#samples.shift();
  }

  /** Units a second; 0 while nothing is known. */
  get perSecond(): number {
    const first = this.#samples[0]!;
    const last = this.#samples.at(-1)!;
    return last.at > first.at ? ((last.value - first.value) * 1000) / (last.at - first.at) : 0;
  }

  /** Seconds until it comes to `target`; null while nobody can tell. */
  secondsTo(target: number): number | null {
    const left = target - this.#samples.at(-1)!.value;
    if (left <= 0) return 0;
    return this.perSecond > 0 ? left / this.perSecond : null;
  }
}
