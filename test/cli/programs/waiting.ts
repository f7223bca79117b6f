// A command for the process's terminal: `polite` stops when told, `server` likewise and means it, `stubborn` does not, `chatty` prints until it can't,
// `brief` prints once, `faulty` throws while it has the whole screen.
import { exitAfterOutput, processTerminal } from '../../../src/cli/process-terminal.js';
import { withFullScreen } from '../../../src/cli/screen/full-screen.js';
import { print } from '../../../src/cli/terminal.js';

const { terminal, stoppedWith } = processTerminal();
const mode = process.argv[2];
const stopped = new Promise<void>((resolve) => terminal.stop.addEventListener('abort', () => resolve()));
const forever = setInterval(() => undefined, 60_000);

if (mode === 'chatty') {
  while (!terminal.stop.aborted) await print(terminal, 'more').catch(() => stopped);
} else if (mode === 'brief') {
  terminal.stdout.write('all there is to say\n');
} else if (mode === 'faulty') {
  const events = { key: () => undefined, resize: () => undefined };
  await withFullScreen(
    terminal,
    (screen) => {
      screen.draw(['drawn']);
      setImmediate(() => {
        throw new TypeError('nobody expected this');
      });
      return new Promise(() => undefined);
    },
    events,
  );
} else {
  if (mode === 'server') terminal.endsBySignal();
  await print(terminal, 'ready');
  await stopped;
  if (mode === 'stubborn') {
    await print(terminal, 'told to stop, and staying');
    await new Promise(() => undefined);
  }
  await print(terminal, 'closed what was open');
}
clearInterval(forever);
exitAfterOutput(() => stoppedWith() ?? 0, terminal.stop);
