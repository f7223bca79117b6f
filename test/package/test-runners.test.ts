import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registry } from '../require.js';
import { userProject, type UserProject } from './user-project.js';

/** A conversation of each kind, in the middle of which the program's time stands still. */
const talk = `
async function talk(pool, freeze) {
  const listener = await pool.listen('127.0.0.1:0', { backend: 'user', idleTimeout: 60_000 });
  freeze();
  const [server, client] = await Promise.all([listener.accept(), pool.dial(listener.addr.toString(), { backend: 'user', timeout: 60_000 })]);
  await client.writeMessage(Uint8Array.from([104, 105]));
  const message = await server.readMessage();
  await server.write('as bytes');
  const length = await client.read(new Uint8Array(100));
  const gone = new AbortController();
  const pending = client.readMessage({ signal: gone.signal });
  gone.abort();
  const aborted = await pending.catch((error) => error.name);
  client.setReadDeadline(Date.now() - 1);
  const late = await client.readMessage().catch((error) => error.code);
  client.setReadDeadline(null);
  client.toDuplex().end('as a stream');
  let streamed = '';
  for await (const chunk of server.toDuplex()) streamed += String(chunk);
  await client.close();
  await server.close();
  await listener.close();
  return [String(Buffer.from(message)), length, aborted, late, streamed];
}
const said = ['hi', 8, 'AbortError', 'ERR_POOL_TIMEOUT', 'as a stream'];
`;

const jest = `
const pool = require('pool-ts');
${talk}
afterEach(() => void jest.useRealTimers());
test('under real timers', async () => expect(await talk(pool, () => {})).toEqual(said));
test('under fake timers', async () => expect(await talk(pool, () => jest.useFakeTimers())).toEqual(said));
`;

const vitest = `
import { afterEach, expect, test, vi } from 'vitest';
${talk}
afterEach(() => void vi.useRealTimers());
test('loaded before the fake timers', async () => {
  expect(await talk(await import('pool-ts'), () => vi.useFakeTimers())).toEqual(said);
});
test('loaded after them', async () => {
  vi.resetModules();
  vi.useFakeTimers();
  expect(await talk(await import('pool-ts/pool'), () => {})).toEqual(said);
});
`;

const nodeTest = (load: string): string => `
${load}
const talkers = { ${talk
  .trim()
  .replace(/^async function talk/, 'async talk')
  .replace(/const said = (.*);$/, ', said: $1')} };
test('under fake timers', async (t) => {
  assert.deepEqual(await talkers.talk(pool, () => t.mock.timers.enable()), talkers.said);
});
`;

const esm = `import assert from 'node:assert'; import test from 'node:test'; import * as pool from 'pool-ts';`;
const commonjs = `const assert = require('node:assert'); const test = require('node:test'); const pool = require('pool-ts');`;

describe.skipIf(registry().missing)('in the tests of users, whose time is fake', () => {
  let project: UserProject;

  beforeAll(() => {
    project = userProject('test-runners', 'jest@30', 'jest-environment-jsdom@30', 'vitest@4');
  }, 600_000);

  afterAll(() => project.remove());

  it.each(['node', 'jsdom'])('sessions talk in jest, environment %s', (environment) => {
    project.write('jest/talk.test.js', jest);
    const bin = 'node_modules/jest/bin/jest.js';
    const { status, out } = project.node(bin, '--rootDir', 'jest', '--env', environment, '--forceExit');
    expect(status, out).toBe(0);
    expect(out).toMatch(/2 passed/);
  });

  it('sessions talk in vitest', () => {
    project.write('vitest/talk.test.mjs', vitest);
    const { status, out } = project.node('node_modules/vitest/vitest.mjs', 'run', '--dir', 'vitest');
    expect(status, out).toBe(0);
    expect(out).toMatch(/2 passed/);
  });

  it.each([
    ['an ES module', 'talk.mjs', esm],
    ['CommonJS', 'talk.cjs', commonjs],
  ])('sessions talk in node:test, from %s', (_kind, file, load) => {
    project.write(file, nodeTest(load));
    const { status, out } = project.node('--test', file);
    expect(status, out).toBe(0);
    expect(out).toMatch(/pass 1/);
  });
});
