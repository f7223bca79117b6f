import { expect, it } from 'vitest';
import { TransferFailure } from '../../../src/cli/transfer/failure.js';
import { type Result, TransferOutcome } from '../../../src/cli/transfer/outcome.js';
import { QUIET_VIEW } from '../../../src/cli/transfer/progress-view.js';
import { testTerminal } from '../test-terminal.js';

const failed = (name: string): Result => {
  const rest = { size: 0, resumedFrom: 0, seconds: 0, peer: 'peer' };
  return { name, status: 'failed', error: `${name}: the name is refused`, ...rest };
};

it('names the files that failed, and how many there are', () => {
  const terminal = testTerminal();
  const outcome = new TransferOutcome(terminal, QUIET_VIEW, { json: false, quiet: false });
  outcome.report({ ...failed('first'), status: 'sent', error: undefined }, null);
  for (const name of ['second', 'third']) outcome.report(failed(name), new TransferFailure('exists', 'it is there'));
  expect(outcome.failure('pool-ts send')).toMatchObject({ exitCode: 73, message: '2 of 3 files did not arrive' });
  expect(terminal.err()).toBe('pool-ts send: second: the name is refused\npool-ts send: third: the name is refused\n');
});

it.each([
  [{ json: false, quiet: false }, /^sent first: 0 B, SHA-256 \n$/],
  [{ json: false, quiet: true }, /^$/],
  [{ json: true, quiet: false }, /^\{"name":"first".*\}\n\{"name":"second".*\}\n$/],
  [{ json: true, quiet: true }, /^\{"name":"second".*\}\n$/],
])('prints with %j what is asked for', (options, printed) => {
  const terminal = testTerminal();
  const outcome = new TransferOutcome(terminal, QUIET_VIEW, options);
  outcome.report({ ...failed('first'), status: 'sent', error: undefined }, null);
  outcome.report(failed('second'), new TransferFailure('exists', 'it is there'));
  expect(terminal.out()).toMatch(printed);
});

it('names the first of very many, and counts the others', () => {
  const terminal = testTerminal();
  const outcome = new TransferOutcome(terminal, QUIET_VIEW, { json: false, quiet: false });
  const error = new TransferFailure('name', 'the name is refused');
  for (let file = 0; file < 65_536; file++) outcome.report(failed(`${'x'.repeat(1000)}${file}`), error);
  expect(outcome.failure('pool-ts receive')?.message).toBe('65536 of 65536 files did not arrive');
  const lines = terminal.err().trimEnd().split('\n');
  expect(lines[0]).toMatch(/x0: the name is refused$/);
  expect(terminal.err().length).toBeLessThan(200_000);
  expect(lines.at(-1)).toBe(`pool-ts receive: … and ${65_536 - lines.length + 1} more`);
});
