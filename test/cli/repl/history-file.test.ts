import { expect, it } from 'vitest';
import { historyFile } from '../../../src/cli/repl/history-file.js';

it.each([
  [{}, '/home/ada/.pool_ts_history'],
  [{ XDG_STATE_HOME: '' }, '/home/ada/.pool_ts_history'],
  [{ XDG_STATE_HOME: 'state' }, '/home/ada/.pool_ts_history'],
  [{ XDG_STATE_HOME: '/state' }, '/state/pool-ts/repl_history'],
  [{ XDG_STATE_HOME: '/state', POOL_REPL_HISTORY: '/tmp/mine' }, '/tmp/mine'],
  [{ POOL_REPL_HISTORY: '' }, null],
  [{ POOL_REPL_HISTORY: ' ' }, null],
])('%j: %s', (env, file) => {
  expect(historyFile(env, '/home/ada')).toBe(file);
});
