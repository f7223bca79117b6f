/** A session whose other end is a command's standard input and output. */
import { Writable } from 'node:stream';
import { orAborted } from '../../base/abort.js';
import type { Flow } from '../../index.js';
import { ChunkSource } from '../chunk-source.js';
import { type Child, startChild } from './child.js';
import { converse, type Input } from './conversation.js';

/** How a command is run. */
export interface ExecOptions {
  command: string;
  env: NodeJS.ProcessEnv;
  messages: boolean;
  stop: AbortSignal;
}

/**
 * Settles when the command has ended and what it printed was sent, or when the session has ended and the command is gone
 * too. Rejects as `converse` does, and where the command can't be started.
 */
export async function converseWithCommand(flow: Flow, options: ExecOptions): Promise<void> {
  const { command, env, messages, stop } = options;
  const child = startChild(command, env);
  try {
    // Once the command is gone nobody reads what the peer may still send.
    await converse(flow, { input: outputOf(child), output: inputOf(child), messages, quitAfter: 0, stop });
  } finally {
    await child.end(stop.aborted ? 0 : undefined);
  }
}

/** It ends with the command: one that closed its output may still be reading. */
function outputOf(child: Child): Input {
  const source = new ChunkSource(child.stdout);
  return {
    async next(signal) {
      const chunk = await source.next(signal);
      if (chunk === null) await orAborted(child.ended, signal);
      return chunk;
    },
  };
}

/** A command that closed its input, or ended, may still have output to send: what comes for it is dropped. */
function inputOf({ stdin }: Child): Writable {
  return new Writable({ write: (chunk: Buffer, _encoding, done) => void stdin.write(chunk, () => done()) });
}
