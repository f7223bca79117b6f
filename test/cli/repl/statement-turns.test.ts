import { describe, expect, it } from 'vitest';
import { takeTurns } from '../../../src/cli/repl/statement-turns.js';

/** A REPL that prompts in a later turn, with the prompt that each line asks for. */
function replServer() {
  let prompt = '';
  const server = {
    lastError: undefined as unknown,
    prompt: () => undefined,
    getPrompt: () => prompt,
    write: (line: string) => {
      queueMicrotask(() => {
        if (line.startsWith('throw')) server.lastError = new Error(line);
        prompt = line.startsWith('(') ? '| ' : '';
        server.prompt();
      });
    },
  };
  return server;
}

describe('the turns of a REPL', () => {
  it('settle at the prompt, and count the lines that left an error', async () => {
    const turns = takeTurns(replServer());
    await turns.type('1');
    expect(turns.failed).toBe(0);
    await turns.type('throw 1');
    await turns.type('throw 2');
    await turns.type('2');
    expect(turns.failed).toBe(2);
  });

  it('know whether a statement goes on', async () => {
    const turns = takeTurns(replServer());
    expect(turns.unfinished).toBe(false);
    await turns.type('(1');
    expect(turns.unfinished).toBe(true);
    await turns.type(')');
    expect(turns.unfinished).toBe(false);
  });
});
