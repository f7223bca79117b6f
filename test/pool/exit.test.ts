/** A process ends when it should, with the code that it should, whatever is open. The user backend's part of it. */
import { afterEach, describe, expect, it } from 'vitest';
import { killAll, start } from '../programs/run.js';

afterEach(killAll);

describe('a process with a conversation open', () => {
  it.each([
    ['unref', 0],
    ['close', 0],
    ['destroy', 0],
    ['exit', 3],
    ['throw', 1],
    ['wait', 'SIGTERM'],
  ])('ends by %s with %s', async (scenario, code) => {
    const program = start(['test/programs/exit-scenario.ts', scenario]);
    await program.printed(/ready/);
    const begun = performance.now();
    if (scenario === 'wait') {
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(program.child.exitCode).toBe(null);
      program.child.kill('SIGTERM');
    }
    expect([await program.ended, scenario === 'throw' ? '' : program.output.stderr]).toEqual([code, '']);
    // The goal is 200 ms; a busy machine gets more. What it must not take is any of the timeouts, of which 5 s is the least.
    expect(performance.now() - begun).toBeLessThan(4500);
  });
});
