import { expect, it } from 'vitest';
import { replWriter } from '../../../src/cli/repl/writer.js';
import { PoolError } from '../../../src/index.js';

it("shows pool-ts's errors in one line, and all else as Node does", () => {
  const write = replWriter(false);
  expect(write(new PoolError('ECONNREFUSED', 'dial pool x: connection refused'))).toBe(
    'PoolError [ECONNREFUSED]: dial pool x: connection refused',
  );
  expect(write({ a: [1, 'x'] })).toBe("{ a: [ 1, 'x' ] }");
  expect(write(new Error('other'))).toMatch(/^Error: other\n {4}at /);
  expect(replWriter(true)(1)).toContain('\x1b[');
});
