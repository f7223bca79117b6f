/** A session whose other end is the person's, or the pipe's: standard input and output. */
import type { Flow } from '../../index.js';
import { ChunkSource } from '../chunk-source.js';
import { EXIT } from '../exit-codes.js';
import type { Terminal } from '../terminal.js';
import { converse } from './conversation.js';

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
      // Nobody reads what is printed: the session ends as at ^C, and shells know the code.
      const failed: NodeJS.ErrnoException | null = terminal.stdout.errored;
      if (failed !== null) terminal.quit(failed.code === 'EPIPE' ? EXIT.SIGPIPE : EXIT.IO);
      throw error;
    }
  };
}
