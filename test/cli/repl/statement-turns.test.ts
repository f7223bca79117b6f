import { expect, it } from 'vitest';
import { takeTurns } from '../../../src/cli/repl/statement-turns.js';

it('settles at the prompt, and counts the lines that left an error', async () => {
  const server = {
    lastError: undefined as unknown,
    displayPrompt: () => undefined,
    write: (line: string) => {
      queueMicrotask(() => {
        if (line.startsWith('throw')) server.lastError = new Error(line);
        server.displayPrompt();
      });
    },
  };
  const turns = takeTurns(server);
  await turns.type('1');
  expect(turns.failed).toBe(0);
  await turns.type('throw 1');
  await turns.type('throw 2');
  await turns.type('2');
  expect(turns.failed).toBe(2);
});
