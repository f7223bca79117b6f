/** A session whose other end is the person's, or the pipe's: standard input and output. */
import type { Flow } from '../../index.js';
import { ChunkSource } from '../chunk-source.js';
import { EXIT } from '../exit-codes.js';
import type { Terminal } from '../terminal.js';
import { converse } from './conversation.js';
import { OutputFailed } from './session.js';

/** Gives what holds a conversation. One standard input serves one session after the other. */
export function converseOnTerminal(
  terminal: Terminal,
  { messages = false, quitAfter }: { messages?: boolean; quitAfter: number },
): (flow: Flow) => Promise<void> {
  const input = new ChunkSource(terminal.stdin);
  return async (flow) => {
    try {
      await converse(flow, { input, output: terminal.stdout, messages, quitAfter, stop: terminal.stop });
    } catch (error) {
      const failed: NodeJS.ErrnoException | null = terminal.stdout.errored;
      if (failed === null) throw error;
      if (failed.code !== 'EPIPE') throw new OutputFailed(failed);
      // Nobody reads what is printed: the session ends as at ^C, and shells know the code.
      terminal.quit(EXIT.SIGPIPE);
      throw error;
    }
  };
}
