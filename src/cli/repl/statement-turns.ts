/**
 * Gives a REPL its lines one after the other, each when it is done with the one before, as a person would who waits for
 * the prompt. Node's REPL does not: a line that comes during an await is evaluated beside it.
 */
import type { REPLServer } from 'node:repl';

export interface StatementTurns {
  /** Types a line; settles when the REPL would show its prompt again. */
  type(line: string): Promise<void>;
  /** How many lines ended with an error. */
  readonly failed: number;
  /** The lines that were typed last are the beginning of a statement. */
  readonly unfinished: boolean;
}

/**
 * Takes the prompt away: it is the sign that a line is done, and nobody is there to see it. It is empty, but in the middle
 * of a statement, where Node has one of its own.
 */
export function takeTurns(server: Pick<REPLServer, 'prompt' | 'getPrompt' | 'write' | 'lastError'>): StatementTurns {
  let prompted = (): void => undefined;
  let failed = 0;
  let unfinished = false;
  const prompt = (): void => {
    unfinished = server.getPrompt() !== '';
    prompted();
  };
  Object.defineProperty(server, 'prompt', { value: prompt });
  return {
    async type(line) {
      const lastError: unknown = server.lastError;
      await new Promise<void>((settle) => {
        prompted = settle;
        server.write(`${line}\n`);
      });
      if (server.lastError !== lastError) failed += 1;
    },
    get failed() {
      return failed;
    },
    get unfinished() {
      return unfinished;
    },
  };
}
