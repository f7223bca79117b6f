/** Whoever sits at the terminal that a command was started from; its standard input may be a pipe all the same. */
import { closeSync, constants, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { ReadStream, WriteStream } from 'node:tty';

export interface Person {
  /** The line that was typed; null when the terminal has gone, or `stop` fired. */
  ask(question: string, stop: AbortSignal): Promise<string | null>;
  /** No more questions. */
  leave(): void;
}

/** The process's terminal, as ssh asks there; null where it has none. */
export function personAtTerminal(path = '/dev/tty'): Person | null {
  const opened: number[] = [];
  try {
    for (const mode of [constants.O_RDONLY, constants.O_WRONLY]) opened.push(openSync(path, mode | constants.O_NOCTTY));
    const [input, output] = [new ReadStream(opened[0]!), new WriteStream(opened[1]!)];
    return person(input, output);
  } catch {
    // ENXIO: no terminal controls this process. One that can't be used is as good as none.
    for (const fd of opened) closeSync(fd);
    return null;
  }
}

function person(input: ReadStream, output: WriteStream): Person {
  // Not as a terminal of readline: the system's own line editing is there, and ^C is a signal.
  const lines = createInterface({ input, terminal: false });
  // A terminal that hangs up gives EIO.
  input.on('error', () => lines.close());
  output.on('error', () => lines.close());
  return {
    ask: (question, stop) =>
      new Promise((resolve) => {
        const settle = (answer: string | null): void => {
          lines.off('line', settle).off('close', gone);
          stop.removeEventListener('abort', gone);
          resolve(answer);
        };
        const gone = (): void => settle(null);
        if (stop.aborted) return resolve(null);
        lines.on('line', settle).on('close', gone);
        stop.addEventListener('abort', gone, { once: true });
        output.write(question);
      }),
    leave() {
      lines.close();
      input.destroy();
      output.destroy();
    },
  };
}
